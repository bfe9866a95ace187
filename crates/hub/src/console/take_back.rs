//! Taking back what those who run the hub set: limits of storage, roles, the banner. The audit log tells what was before.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::banner::FormerBanner;
use super::frame::note;
use super::queries::{self, LineRow};
use super::quota::Limit;
use super::{banner, quota};
use crate::accounts::UserPk;
use crate::accounts::audit::{self, label_of};
use crate::accounts::queries::audit::AuditRow;
use crate::accounts::site_roles::{self, SiteRole};
use crate::app::App;
use crate::banner as site_banner;
use crate::banner::NewBanner;
use crate::error::{HubError, HubResult};
use crate::quotas::queries::lock_owner;
use crate::repos::changes::undoable_since;

/// How many characters of a banner are told.
const SHOWN: usize = 100;

/// What a line of the audit log tells of what was before it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Former {
    Limit { was: Limit, now: Limit },
    Role { was: SiteRole, now: SiteRole },
    Banner(Option<FormerBanner>),
}

impl Former {
    /// Reads a line; `None` for lines of another kind, and for those of versions that did not tell.
    fn of(action: &str, details: &Value) -> Option<Self> {
        let was = details.get("was")?;
        let role = |value: &Value| value.as_str().and_then(SiteRole::parse);
        Some(match action {
            "admin.quota" => Self::Limit { was: Limit::read(was)?, now: Limit::read(details.get("limit_bytes")?)? },
            "admin.role" => Self::Role { was: role(was)?, now: role(details.get("role")?)? },
            "admin.banner" => Self::Banner(FormerBanner::read(was)?),
            _ => return None,
        })
    }

    /// Whether it needs the account in whose log it is.
    fn is_of_account(&self) -> bool {
        !matches!(self, Self::Banner(_))
    }

    /// Has those who change the same thing take turns, until the transaction ends.
    async fn lock(&self, conn: &mut PgConnection, namespace_pk: i64) -> HubResult<()> {
        match self {
            Self::Limit { .. } => lock_owner(conn, namespace_pk).await?,
            Self::Role { .. } => {
                site_roles::lock_site_role(conn, namespace_pk).await?;
            }
            Self::Banner(_) => site_banner::queries::lock(conn).await?,
        }
        Ok(())
    }

    /// How it is when the line is taken back.
    fn in_words(&self, name: &str) -> String {
        match self {
            Self::Limit { was, .. } => format!("{name} has {} again.", was.in_words()),
            Self::Role { was: SiteRole::Admin, .. } => format!("{name} is an administrator again."),
            Self::Role { was: SiteRole::Moderator, .. } => format!("{name} is a moderator again."),
            Self::Role { was: SiteRole::None, .. } => format!("{name} has no role on this hub again."),
            Self::Banner(None) => "There is no banner again.".to_owned(),
            Self::Banner(Some(was)) => {
                let cut: String = was.text.chars().take(SHOWN).collect();
                let rest = if cut.len() < was.text.len() { "…" } else { "" };
                format!("The banner says again: {cut}{rest}")
            }
        }
    }
}

/// A line that can be taken back, for the form that does so.
#[derive(Debug)]
pub(super) struct Offer {
    /// The line.
    pub pk: i64,
    /// What was done.
    pub what: String,
    /// How it is then.
    pub then: String,
}

/// Of these lines, those that can be taken back: they are not too old, and nothing else changed the same thing since.
///
/// # Errors
/// The database does not answer.
pub(super) async fn standing(app: &App, rows: &[AuditRow]) -> HubResult<Vec<i64>> {
    let oldest = undoable_since(app);
    let is_one = |row: &&AuditRow| {
        let former = Former::of(&row.action, &row.details);
        row.created_at > oldest && former.is_some_and(|former| row.namespace.is_some() || !former.is_of_account())
    };
    let lines: Vec<i64> = rows.iter().filter(is_one).map(|row| row.audit_pk).collect();
    if lines.is_empty() {
        return Ok(lines);
    }
    Ok(queries::list_standing(&app.pool, &lines).await?)
}

/// What the form says that takes a line back; nothing for a line that cannot be taken back.
///
/// # Errors
/// The database does not answer.
pub(super) async fn offer(app: &App, line: i64) -> HubResult<Option<Offer>> {
    let Some(row) = queries::find_line(&app.pool, line).await? else { return Ok(None) };
    let Some(former) = Former::of(&row.action, &row.details) else { return Ok(None) };
    let is_young = row.created_at > undoable_since(app);
    if !is_young || queries::list_standing(&app.pool, &[line]).await?.is_empty() {
        return Ok(None);
    }
    let label = label_of(&row.action);
    let (what, name) = match (row.namespace, former.is_of_account()) {
        (Some(name), true) => (format!("{label}: {name}"), name),
        (None, true) => return Ok(None),
        (_, false) => (label, String::new()),
    };
    Ok(Some(Offer { pk: line, what, then: former.in_words(&name) }))
}

/// Takes back what a line of the audit log tells, and tells how it is now.
///
/// # Errors
/// 404 for a line of another kind; 409 when its time is over, when the same thing was changed again, when the account is gone, and for
/// what cannot be set any more.
pub(super) async fn take_back(app: &App, by: UserPk, line: i64, reason: &str) -> HubResult<String> {
    let missing = || HubError::not_found("This line of the audit log tells of nothing that can be taken back here.");
    let row = queries::find_line(&app.pool, line).await?.ok_or_else(missing)?;
    let former = Former::of(&row.action, &row.details).ok_or_else(missing)?;
    if row.created_at <= undoable_since(app) {
        let days = app.config.undo_days;
        return Err(HubError::conflict(format!("This was done more than {days} days ago: set it as you want it on its page.")));
    }
    let mut tx = audit::begin(app).await?;
    former.lock(&mut tx, row.namespace_pk).await?;
    if queries::list_standing(&mut *tx, &[line]).await?.is_empty() {
        return Err(changed_since());
    }
    set_back(&mut tx, &row, &former, by, (line, reason)).await?;
    tx.commit().await?;
    if matches!(former, Former::Banner(_)) {
        site_banner::load(app).await?;
    }
    Ok(former.in_words(row.namespace.as_deref().unwrap_or_default()))
}

async fn set_back(
    conn: &mut PgConnection,
    row: &LineRow,
    former: &Former,
    by: UserPk,
    (line, reason): (i64, &str),
) -> HubResult<()> {
    let pk = row.namespace_pk;
    if former.is_of_account() && row.namespace.is_none() {
        return Err(HubError::conflict("The account or organization is gone: there is nothing to set back."));
    }
    match former {
        Former::Limit { was, now } => {
            if quota::lock_limit(conn, pk).await? != *now {
                return Err(changed_since());
            }
            quota::change(conn, pk, *was, (by, reason), Some(line)).await
        }
        Former::Role { was, now } => {
            if site_roles::lock_site_role(conn, pk).await? != Some(*now) || !site_roles::set_site_role_in(conn, pk, *was).await? {
                return Err(changed_since());
            }
            let more = json!({ "role": was.as_str(), "was": now.as_str(), "undoes": line });
            Ok(note(conn, pk, "admin.role", "", reason, more).await?)
        }
        Former::Banner(was) => {
            let banner = was.as_ref().map(FormerBanner::banner).transpose()?;
            if banner.as_ref().and_then(|banner: &NewBanner| banner.ends_at).is_some_and(|at| at <= crate::clock::now()) {
                let text = "The time of the banner that there was is over: change the banner, or take it away, on its page.";
                return Err(HubError::conflict(text));
            }
            if !banner::change(conn, banner.as_ref(), (by, reason), Some(line)).await? {
                return Err(changed_since());
            }
            Ok(())
        }
    }
}

fn changed_since() -> HubError {
    HubError::conflict("The same was changed again since: look at how it stands, and set it as you want it on its page.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_tell_what_was_are_read() {
        let of = |action: &str, details: Value| Former::of(action, &details);
        let limit = json!({ "limit_bytes": 5_i64 << 30, "was": "that of everybody" });
        assert_eq!(of("admin.quota", limit.clone()), Some(Former::Limit { was: Limit::Everybodys, now: Limit::Own(5 << 30) }));
        assert_eq!(of("admin.role", limit), None);
        assert_eq!(of("admin.quota", json!({ "limit_bytes": "none" })), None);
        let role = of("admin.role", json!({ "role": "none", "was": "moderator" })).unwrap();
        assert_eq!(role.in_words("eve"), "eve is a moderator again.");
        assert_eq!(of("admin.role", json!({ "role": "none", "was": "tsar" })), None);
        assert_eq!(of("admin.banner", json!({ "was": "none" })), Some(Former::Banner(None)));
        let was = json!({ "text": "é".repeat(101), "level": "info", "closable": true });
        let words = of("admin.banner", json!({ "was": was })).unwrap().in_words("");
        assert_eq!(words, format!("The banner says again: {}…", "é".repeat(100)));
    }
}
