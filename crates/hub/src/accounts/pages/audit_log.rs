//! The audit log of an organisation, the security log of a user, and both as files.

mod export;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

pub(crate) use self::export::export;
use super::navigation::SettingsNavigation;
use super::sessions::{browser_name, words_for};
use crate::accounts::audit::{ACTIONS, label_of};
use crate::accounts::member_undo::{self, MemberAct};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::audit::{self as queries, AuditRow, Wanted};
use crate::accounts::rules_undo::{self, FormerRules};
use crate::accounts::settings::require_admin_of;
use crate::accounts::{OrgRole, sudo};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation::bulk::Part;
use crate::web::cursor::one_more;
use crate::web::extract::Query;
use crate::web::filters::{self, size_text};
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// Lines of a page.
const PAGE_LEN: usize = 50;
/// The name of the number that acts of moderators have in common which were done at once.
const BATCH: &str = "batch";
/// How the names of their acts begin.
const MODERATION: &str = "moderation.";
/// How names of facts end whose numbers are bytes.
const BYTES: &str = "_bytes";
const GIB: u64 = 1 << 30;

/// The page.
#[derive(Debug, Template)]
#[template(path = "accounts/audit_log.html")]
pub(super) struct AuditLogPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The heading.
    pub heading: String,
    /// The organisation, if it is one's.
    pub organization: Option<String>,
    /// The page's own path.
    pub path: String,
    /// By whom.
    pub actor: Field,
    /// What.
    pub action: Field,
    /// All that can be done.
    pub actions: Vec<Choice>,
    /// From which day.
    pub from: Field,
    /// To which day.
    pub to: Field,
    /// The query of what was asked for, for files.
    pub asked: String,
    /// How long lines are kept, in days.
    pub kept_days: Option<u64>,
    /// The lines, newest first.
    pub lines: Vec<AuditLine>,
    /// The newest.
    pub previous: Option<String>,
    /// Older ones.
    pub next: Option<String>,
}

/// A line.
#[derive(Debug)]
pub(crate) struct AuditLine {
    /// Its key.
    pub pk: i64,
    /// In whose log it is, unless that is gone.
    pub namespace: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Option<String>,
    /// What was done.
    pub action: String,
    /// With whom or what.
    pub subject: String,
    /// What else is known of it.
    pub facts: String,
    /// How they proved who they are, and from where.
    pub origin: String,
    /// Of a line about a member: what was done.
    act: Option<MemberAct>,
    /// Whether it tells what rules of an organisation were.
    tells_rules: bool,
    /// Whether it can be undone here.
    pub can_undo: bool,
    /// Of an act of moderators: the number of what was done at once with it.
    pub batch: Option<i64>,
    /// That, for those who may see it.
    pub part: Option<Part>,
}

impl AuditLine {
    pub(crate) fn of(row: AuditRow) -> Self {
        let act = MemberAct::of(&row);
        let tells_rules = FormerRules::of(&row).is_some();
        let proof = match (row.via.as_str(), row.token) {
            ("session", _) => "in the browser".to_owned(),
            ("token", Some(name)) => format!("by the token {name}"),
            ("token", None) => "by a token".to_owned(),
            ("ssh", Some(key)) => format!("by the SSH key {key}"),
            (via, _) if ["password", "passkey", "oidc"].iter().any(|start| via.starts_with(start)) => {
                format!("by {}", words_for(via))
            }
            ("nothing", _) => "without being logged in".to_owned(),
            _ => "on the hub itself".to_owned(),
        };
        Self {
            pk: row.audit_pk,
            act,
            tells_rules,
            can_undo: false,
            batch: row.details.get(BATCH).and_then(Value::as_i64).filter(|_| row.action.starts_with(MODERATION)),
            part: None,
            namespace: row.namespace,
            at: row.created_at,
            actor: row.actor,
            action: label_of(&row.action),
            subject: row.subject,
            facts: facts_of(&row.details),
            origin: row.address.map_or_else(|| proof.clone(), |address| format!("{proof}, from {address}")),
        }
    }
}

/// `role: write, expires: 2026-12-01`
fn facts_of(details: &Value) -> String {
    // What the limit was is no more than a number by its name.
    let is_limit = details.get("limit_bytes").is_some();
    let told = details.as_object().into_iter().flatten();
    let told = told.filter(|(name, value)| name.as_str() != BATCH && !(name.as_str() == "undoes" && value.is_null()));
    let facts = told.map(|(name, value)| match value {
        Value::String(text) if name == "browser" => browser_name(text),
        Value::String(text) => format!("{}: {text}", label(name)),
        Value::Number(size) if name.ends_with(BYTES) || (is_limit && name == "was") => {
            format!("{}: {}", label(name), size.as_u64().map_or_else(|| size.to_string(), size_in_words))
        }
        Value::Object(former) if name == "was" => state_of("before", former),
        Value::Object(state) if name == "before" || name == "after" => state_of(name, state),
        other => format!("{name}: {other}"),
    });
    let text = facts.collect::<Vec<_>>().join(", ").replace('_', " ");
    text.chars().take(300).collect()
}

/// What a fact is called: the unit is with the number.
fn label(name: &str) -> &str {
    name.strip_suffix(BYTES).unwrap_or(name)
}

/// Limits are set in GiB, and told as they were set.
fn size_in_words(bytes: u64) -> String {
    if bytes.is_multiple_of(GIB) { format!("{} GiB", bytes / GIB) } else { size_text(bytes) }
}

/// `before: default_private false, create_role write`
fn state_of(when: &str, state: &serde_json::Map<String, Value>) -> String {
    let facts = state.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    format!("{when}: {}", facts.collect::<Vec<_>>().join(", "))
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/security-log", crate::web::read().to(show_own))
        .route("/settings/security-log/export", crate::web::read().to(export_own))
        .route("/organizations/{name}/settings/audit-log", crate::web::read().to(show_organization))
        .route("/organizations/{name}/settings/audit-log/export", crate::web::read().to(export_organization))
        .route("/organizations/{name}/settings/audit-log/{line}/undo", web::post().to(post_undo));
}

/// What was asked for, as it was typed.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) whose: String,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Asked {
    pub(crate) fn read(query: &Query) -> Self {
        let text = |name| query.get(name).unwrap_or_default().trim().chars().filter(|c| !c.is_control()).take(100).collect();
        Self { whose: text("whose"), actor: text("actor"), action: text("action"), from: text("from"), to: text("to") }
    }

    pub(crate) fn wanted(&self) -> HubResult<Wanted> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let to = day(&self.to)?.and_then(|day| day.checked_add_days(Days::new(1)));
        Ok(Wanted {
            actor: some(&self.actor),
            action: some(&self.action),
            from: day(&self.from)?.map(start),
            until: to.map(start),
        })
    }

    pub(crate) fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let fields =
            [("whose", &self.whose), ("actor", &self.actor), ("action", &self.action), ("from", &self.from), ("to", &self.to)];
        for (name, value) in fields {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// Which log: that of an account or organisation, or all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    Namespace(i64),
    /// All, or that of one of them; files name it in each line.
    All {
        only: Option<i64>,
    },
}

impl Whose {
    fn is_told(self) -> bool {
        matches!(self, Self::All { .. })
    }

    /// The facts of a line in a file. Which acts of moderators were done at once is for those who run the hub.
    fn details(self, row: &AuditRow) -> Value {
        let mut details = row.details.clone();
        if !self.is_told()
            && row.action.starts_with(MODERATION)
            && let Some(facts) = details.as_object_mut()
        {
            facts.remove(BATCH);
        }
        details
    }
}

/// A part of a log, newest first, before a line.
pub(crate) async fn read(pool: &PgPool, whose: Whose, wanted: &Wanted, before: i64, limit: i64) -> sqlx::Result<Vec<AuditRow>> {
    match whose {
        Whose::Namespace(namespace_pk) | Whose::All { only: Some(namespace_pk) } => {
            queries::list(pool, namespace_pk, wanted, before, limit).await
        }
        Whose::All { only: None } => queries::list_all(pool, wanted, before, limit).await,
    }
}

fn day(text: &str) -> HubResult<Option<NaiveDate>> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = text.parse::<NaiveDate>();
    day.map(Some).map_err(|_| HubError::bad_request("Write days as 2026-11-27, the year first."))
}

fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

async fn show_own(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let navigation = SettingsNavigation::new(user, "/settings/security-log");
    let shown = log_page(&page, user.pk, "/settings/security-log".to_owned(), navigation).await?;
    page.show(shown).await
}

async fn show_organization(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    let navigation = SettingsNavigation::new(user, "/settings/organizations");
    let mut shown = log_page(&page, row.namespace_pk, log_path(&row.name), navigation).await?;
    mark_undoable(&page.app, row.namespace_pk, &mut shown.lines).await?;
    page.show(AuditLogPage { heading: format!("Audit log of {}", row.name), organization: Some(row.name), ..shown }).await
}

fn log_path(organization: &str) -> String {
    format!("/organizations/{organization}/settings/audit-log")
}

/// Marks the lines that their button takes back.
async fn mark_undoable(app: &App, organization_pk: i64, lines: &mut [AuditLine]) -> HubResult<()> {
    let acts: Vec<_> = lines.iter().filter_map(|line| Some((line.pk, line.at, line.act.as_ref()?))).collect();
    let standing = member_undo::standing(app, organization_pk, &acts).await?;
    for (line, stands) in lines.iter_mut().filter(|line| line.act.is_some()).zip(standing) {
        line.can_undo = stands;
    }
    let told: Vec<_> = lines.iter().filter(|line| line.tells_rules).map(|line| (line.pk, line.at)).collect();
    let standing = rules_undo::standing(app, organization_pk, &told).await?;
    for line in lines.iter_mut().filter(|line| standing.contains(&line.pk)) {
        line.can_undo = true;
    }
    Ok(())
}

async fn post_undo(page: PageRequest, path: web::Path<(String, i64)>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let (organization, line) = path.into_inner();
    let row = require_admin_of(&page.app, user, &organization).await?;
    let back = log_path(&row.name);
    // It may make an admin, or take one away.
    sudo::require(&page, &back).await?;
    if rules_undo::undo(&page.app, &row, user, line).await? {
        let said = format!("The settings of {} are as they were before that change.", row.name);
        return Ok(page.redirect_saying(&back, &said));
    }
    let act = member_undo::undo(&page.app, &row, user, line).await?;
    let said = format!("{} has the role {} in {} again.", act.name, act.before.as_str(), row.name);
    // Who was admin until now does not see the log any more.
    let sees_log = user.is_admin || act.before == OrgRole::Admin || !act.name.eq_ignore_ascii_case(&user.name);
    Ok(page.redirect_saying(&if sees_log { back } else { format!("/{}", row.name) }, &said))
}

async fn log_page(
    page: &PageRequest,
    namespace_pk: i64,
    path: String,
    navigation: SettingsNavigation,
) -> HubResult<AuditLogPage> {
    let asked = Asked::read(&page.query());
    let before = page.query().number("before")?.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    let limit = one_more(PAGE_LEN);
    let mut rows = queries::list(&page.app.pool, namespace_pk, &asked.wanted()?, before.unwrap_or(i64::MAX), limit).await?;
    let more = rows.len() > PAGE_LEN;
    rows.truncate(PAGE_LEN);
    let query = asked.query();
    let last = rows.last().map(|row| row.audit_pk).filter(|_| more);
    let separator = if query.is_empty() { "" } else { "&" };
    let all = std::iter::once(Choice::new("", "Everything", &asked.action));
    Ok(AuditLogPage {
        layout: page.layout("Audit log"),
        navigation,
        heading: "Security log".to_owned(),
        organization: None,
        actor: Field::new("actor", "By whom").value(&asked.actor),
        action: Field::new("action", "What was done"),
        actions: all.chain(ACTIONS.iter().map(|(name, label)| Choice::new(*name, *label, &asked.action))).collect(),
        from: Field::new("from", "From").value(&asked.from),
        to: Field::new("to", "To").value(&asked.to),
        kept_days: page.app.config.audit_days,
        lines: rows.into_iter().map(AuditLine::of).collect(),
        previous: before.map(|_| format!("{path}?{query}")),
        next: last.map(|pk| format!("{path}?{query}{separator}before={pk}")),
        asked: query,
        path,
    })
}

async fn export_own(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    export(&page, Whose::Namespace(user.pk), "security-log")
}

async fn export_organization(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let row = require_admin_of(&page.app, user, &path).await?;
    export(&page, Whose::Namespace(row.namespace_pk), &format!("audit-log-{}", row.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_told_with_their_unit() {
        assert_eq!(facts_of(&json!({ "limit_bytes": 53_687_091_200_i64 })), "limit: 50 GiB");
        assert_eq!(facts_of(&json!({ "limit_bytes": 0 })), "limit: 0 GiB");
        assert_eq!(facts_of(&json!({ "freed_bytes": 1_500_000 })), "freed: 1.5 MB");
        let changed = facts_of(&json!({ "limit_bytes": "that of everybody", "undoes": null, "was": 5_i64 << 30 }));
        assert_eq!(changed, "limit: that of everybody, was: 5 GiB");
        // Of nothing else what was is a size.
        assert_eq!(facts_of(&json!({ "undoes": 3, "was": 7 })), "undoes: 3, was: 7");
    }

    #[test]
    fn the_number_of_a_bulk_act_is_no_fact() {
        assert_eq!(facts_of(&json!({ "batch": 26_001, "category": "spam" })), "category: spam");
    }
}
