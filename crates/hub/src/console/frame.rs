//! What all pages of the console have: who may see them, their list, and the reason of an act.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::queries;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsLink;
use crate::accounts::{User, sudo};
use crate::error::{HubError, HubResult};
use crate::web::extract::Query;

/// The longest reason, in characters.
const MAX_REASON: usize = 300;

/// The list of the console's pages.
#[derive(Debug)]
pub(super) struct ConsoleNavigation {
    /// What stands over it.
    pub heading: &'static str,
    current: &'static str,
}

impl ConsoleNavigation {
    /// The list with one page marked.
    pub(super) fn new(current: &'static str) -> Self {
        Self { heading: "Admin console", current }
    }

    /// The links.
    pub(super) fn links(&self) -> Vec<SettingsLink> {
        let link = |href, icon, label| SettingsLink { href, icon, label, current: self.current == href };
        vec![
            link("/admin", "activity", "Overview"),
            link("/admin/users", "users", "Users"),
            link("/admin/organizations", "building-2", "Organizations"),
            link("/admin/repositories", "box", "Repositories"),
            link("/admin/storage", "hard-drive", "Storage"),
            link("/admin/banner", "info", "Banner"),
            link("/admin/flags", "settings", "Switches"),
            link("/admin/jobs", "list-checks", "Background jobs"),
            link("/admin/audit", "shield-check", "Audit log"),
        ]
    }
}

/// A link of a row of tabs.
#[derive(Debug)]
pub(super) struct Tab {
    /// Where it leads.
    pub href: String,
    /// Its text.
    pub label: &'static str,
    /// How many there are, if that is told.
    pub count: Option<i64>,
    /// Whether this is it.
    pub current: bool,
}

/// The last row of a page: its place in the list's order, and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// What the list is sorted by, the largest first.
    pub rank: i64,
    /// The key, the largest first.
    pub pk: i64,
}

impl Place {
    /// Before the first row.
    pub(super) const START: Self = Self { rank: i64::MAX, pk: i64::MAX };

    /// Reads `after` of a query.
    ///
    /// # Errors
    /// 400 for what [`Place::encode`] did not make.
    pub(super) fn read(query: &Query) -> HubResult<Option<Self>> {
        let Some(text) = query.get("after") else { return Ok(None) };
        let read = || {
            let (rank, pk) = text.split_once('_')?;
            Some(Self { rank: rank.parse().ok()?, pk: pk.parse().ok()? })
        };
        let place =
            read().ok_or_else(|| HubError::bad_request("`after` is not one that this list gave. Start again without it."))?;
        Ok(Some(place))
    }

    /// As text for an address.
    pub(super) fn encode(self) -> String {
        format!("{}_{}", self.rank, self.pk)
    }
}

/// What was typed to look for: without control characters, of a length that makes sense.
pub(super) fn search_text(query: &Query) -> String {
    query.get("q").unwrap_or_default().trim().chars().filter(|c| !c.is_control()).take(100).collect()
}

/// What `like` takes for a part of a text.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}

/// Who runs the hub and asks in a browser.
///
/// # Errors
/// 404 for everybody else, as if there were no such page.
pub(super) fn require_admin(page: &PageRequest) -> HubResult<&User> {
    let user = page.viewer.user.as_ref().filter(|user| user.is_admin && page.require_session().is_ok());
    user.ok_or_else(|| HubError::not_found("There is nothing at this address."))
}

/// Who runs the hub and proved lately that it is them: for everything that changes something. `back` is the page of the act.
///
/// # Errors
/// 404 for everybody else; a redirect to `/sudo` when the proof is too old.
pub(super) async fn require_proof<'a>(page: &'a PageRequest, back: &str) -> HubResult<&'a User> {
    require_admin(page)?;
    sudo::require(page, back).await
}

/// Why an act is done.
///
/// # Errors
/// 400 without a reason, or with one that is too long.
pub(super) fn require_reason(form: &CheckedForm) -> HubResult<&str> {
    let reason = form.text("reason");
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(HubError::bad_request(format!("Say why, in at most {MAX_REASON} characters: the audit log keeps it.")));
    }
    Ok(reason)
}

/// Writes an act into the audit log of an account, with its reason. The transaction was begun by `accounts::audit::begin`.
///
/// # Errors
/// The database does not answer.
pub(super) async fn note(
    conn: &mut PgConnection,
    namespace_pk: i64,
    action: &str,
    subject: &str,
    reason: &str,
    more: Value,
) -> sqlx::Result<()> {
    let mut details = json!({ "reason": reason });
    if let (Some(details), Value::Object(more)) = (details.as_object_mut(), more) {
        details.extend(more);
    }
    queries::write_audit(conn, namespace_pk, action, subject, &details).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(pattern("A_b%\\"), "%a\\_b\\%\\\\%");
    }

    #[test]
    fn places_survive_an_address() {
        let read = |text: &str| Place::read(&Query::parse(text));
        let place = Place { rank: 7, pk: 9 };
        assert_eq!(read(&format!("after={}", place.encode())).unwrap(), Some(place));
        assert_eq!(read("").unwrap(), None);
        assert!(read("after=7").is_err() && read("after=x_1").is_err() && read("after=1_99999999999999999999").is_err());
    }
}
