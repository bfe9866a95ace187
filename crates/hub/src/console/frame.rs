//! What all pages of the console have: who may see them, their list, and the reason of an act.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::queries;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::pages::navigation::SettingsLink;
use crate::accounts::{User, sudo};
use crate::error::{HubError, HubResult};

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
