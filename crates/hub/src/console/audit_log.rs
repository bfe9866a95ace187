//! `/admin/audit`: everything in the audit log, of all accounts and organisations, and as a file.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{ConsoleNavigation, require_admin, require_proof, require_reason};
use super::take_back::{self, Offer};
use crate::accounts::audit::ACTIONS;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::audit_log::{Asked, AuditLine, Whose, export, read};
use crate::accounts::queries::audit::AuditRow;
use crate::accounts::queries::settings::find_profile;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::bulk;
use crate::web::cursor::one_more;
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/admin/audit";
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
    /// Why something could not be taken back.
    error: Option<String>,
    /// The line that is to be taken back.
    offer: Option<Offer>,
    /// Why it is.
    reason: Field,
    /// The lines, newest first.
    lines: Vec<AuditLine>,
    /// The newest.
    previous: Option<String>,
    /// Older ones.
    next: Option<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/admin/audit", crate::web::read().to(show))
        .route("/admin/audit", web::post().to(post))
        .route("/admin/audit/export", crate::web::read().to(send_file));
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
    let line = page.query().number("undo")?.and_then(|line| i64::try_from(line).ok());
    let shown = page_of(&page, line, &Refusal::default()).await?;
    page.show(shown).await
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let asked = form.text("line").parse::<i64>();
    let back = asked.as_ref().map_or_else(|_| PATH.to_owned(), |line| format!("{PATH}?undo={line}"));
    let admin = require_proof(&page, &back).await?;
    let line = asked.map_err(|_| HubError::bad_request("Choose the line that is to be taken back."))?;
    let done = match require_reason(&form) {
        Ok(reason) => take_back::take_back(&page.app, admin.pk, line, reason).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(text) => Ok(page.redirect_saying(PATH, &text)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = page_of(&page, Some(line), &refusal).await?;
            page.show_with(refusal.status, shown).await
        }
    }
}

/// The page, with the form that takes a line back.
async fn page_of(page: &PageRequest, line: Option<i64>, refusal: &Refusal) -> HubResult<AuditPage> {
    let asked = Asked::read(&page.query());
    let before = page.query().number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let whose = whose_log(page, &asked).await?;
    let limit = one_more(PAGE_LEN);
    let mut rows = read(&page.app.pool, whose, &asked.wanted()?, before.unwrap_or(i64::MAX), limit).await?;
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let offer = match line {
        Some(line) => take_back::offer(&page.app, line).await?,
        None => None,
    };
    let late = (line.is_some() && offer.is_none())
        .then(|| "This cannot be taken back: it is too old, or the same was changed again since.".to_owned());
    let last = rows.last().map(|row| row.audit_pk).filter(|_| more);
    let query = asked.query();
    let separator = if query.is_empty() { "" } else { "&" };
    let all = std::iter::once(Choice::new("", "Everything", &asked.action));
    Ok(AuditPage {
        layout: page.layout("Audit log"),
        navigation: ConsoleNavigation::new(PATH),
        whose: Field::new("whose", "Account or organization").value(&asked.whose),
        actor: Field::new("actor", "By whom").value(&asked.actor),
        action: Field::new("action", "What was done"),
        actions: all.chain(ACTIONS.iter().map(|(name, label)| Choice::new(*name, *label, &asked.action))).collect(),
        from: Field::new("from", "From").value(&asked.from),
        to: Field::new("to", "To").value(&asked.to),
        kept_days: page.app.config.audit_days,
        error: refusal.message_elsewhere(&[]).or(late),
        offer,
        reason: Field::new("reason", "Why").hint("The audit log keeps it."),
        lines: lines_of(&page.app, rows).await?,
        previous: before.map(|_| format!("/admin/audit?{query}")),
        next: last.map(|pk| format!("/admin/audit?{query}{separator}before={pk}")),
        asked: query,
    })
}

/// The lines, with what can be taken back, and with what moderators did at once.
async fn lines_of(app: &App, rows: Vec<AuditRow>) -> HubResult<Vec<AuditLine>> {
    let standing = take_back::standing(app, &rows).await?;
    let mut lines: Vec<AuditLine> = rows.into_iter().map(AuditLine::of).collect();
    let batches: Vec<i64> = lines.iter().filter_map(|line| line.batch).collect();
    let parts = bulk::parts(&app.pool, &batches).await?;
    for line in &mut lines {
        line.can_undo = standing.contains(&line.pk);
        line.part = line.batch.and_then(|batch| parts.get(&batch).copied());
    }
    Ok(lines)
}

async fn send_file(page: PageRequest) -> HubResult<HttpResponse> {
    require_admin(&page)?;
    let whose = whose_log(&page, &Asked::read(&page.query())).await?;
    export(&page, whose, "audit-log")
}
