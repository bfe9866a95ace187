//! `/admin/audit`: everything in the audit log, of all accounts and organisations, and as a file.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{ConsoleNavigation, require_admin};
use crate::accounts::audit::ACTIONS;
use crate::accounts::page::PageRequest;
use crate::accounts::pages::audit_log::{Asked, AuditLine, Whose, export, read};
use crate::accounts::queries::settings::find_profile;
use crate::error::HubResult;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// Lines of a page.
const PAGE_LEN: usize = 50;
/// No namespace has this key.
const NOBODY: i64 = -1;

/// The page.
#[derive(Debug, Template)]
#[template(path = "console/audit_log.html")]
struct AuditPage {
    /// The frame.
    layout: Layout,
    /// The other pages.
    navigation: ConsoleNavigation,
    /// In whose log.
    whose: Field,
    /// By whom.
    actor: Field,
    /// What.
    action: Field,
    /// All that can be done.
    actions: Vec<Choice>,
    /// From which day.
    from: Field,
    /// To which day.
    to: Field,
    /// The query of what was asked for, for files.
    asked: String,
    /// How long lines are kept, in days.
    kept_days: Option<u64>,
    /// The lines, newest first.
    lines: Vec<AuditLine>,
    /// The newest.
    previous: Option<String>,
    /// Older ones.
    next: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/admin/audit", crate::web::read().to(show)).route("/admin/audit/export", crate::web::read().to(send_file));
}

async fn whose_log(page: &PageRequest, asked: &Asked) -> HubResult<Whose> {
    if asked.whose.is_empty() {
        return Ok(Whose::All { only: None });
    }
    let found = find_profile(&page.app.pool, &asked.whose).await?;
    Ok(Whose::All { only: Some(found.map_or(NOBODY, |found| found.namespace_pk)) })
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let asked = Asked::read(&page.query());
    let before = page.query().number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let whose = whose_log(&page, &asked).await?;
    let limit = one_more(PAGE_LEN);
    let mut rows = read(&page.app.pool, whose, &asked.wanted()?, before.unwrap_or(i64::MAX), limit).await?;
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let last = rows.last().map(|row| row.audit_pk).filter(|_| more);
    let query = asked.query();
    let separator = if query.is_empty() { "" } else { "&" };
    let all = std::iter::once(Choice::new("", "Everything", &asked.action));
    let shown = AuditPage {
        layout: page.layout("Audit log"),
        navigation: ConsoleNavigation::new("/admin/audit"),
        whose: Field::new("whose", "Account or organization").value(&asked.whose),
        actor: Field::new("actor", "By whom").value(&asked.actor),
        action: Field::new("action", "What was done"),
        actions: all.chain(ACTIONS.iter().map(|(name, label)| Choice::new(*name, *label, &asked.action))).collect(),
        from: Field::new("from", "From").value(&asked.from),
        to: Field::new("to", "To").value(&asked.to),
        kept_days: page.app.config.audit_days,
        lines: rows.into_iter().map(AuditLine::of).collect(),
        previous: before.map(|_| format!("/admin/audit?{query}")),
        next: last.map(|pk| format!("/admin/audit?{query}{separator}before={pk}")),
        asked: query,
    };
    page.show(shown).await
}

async fn send_file(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let whose = whose_log(&page, &Asked::read(&page.query())).await?;
    export(&page, whose, "audit-log")
}
