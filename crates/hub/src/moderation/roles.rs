//! Who may moderate: those who run the hub, and those whom its operator made moderators.

use super::queries;
use crate::accounts::page::PageRequest;
use crate::accounts::{User, audit, queries as accounts};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// What somebody is on the whole hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteRole {
    /// Runs it: does all that moderators do, too.
    Admin,
    /// Decides about reports.
    Moderator,
    /// Neither.
    None,
}

impl SiteRole {
    /// Reads the word that the command line takes.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "admin" => Some(Self::Admin),
            "moderator" => Some(Self::Moderator),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The moderator who asks for a page. To all others it is not there.
///
/// # Errors
/// 404 for everybody else, and for tokens.
pub fn moderator(page: &PageRequest) -> HubResult<&User> {
    let user = page.viewer.user.as_ref().filter(|user| user.moderates() && page.require_session().is_ok());
    user.ok_or_else(|| HubError::not_found("There is nothing at this address."))
}

/// Gives somebody a role on the hub, or takes it away.
///
/// # Errors
/// 404 for an unknown name, 409 for the last who runs the hub and for suspended accounts.
pub async fn set_role(app: &App, name: &str, role: SiteRole) -> HubResult<String> {
    let found = match hub_types::check_name(name) {
        Ok(()) => accounts::find_namespace(&mut *app.pool.acquire().await?, name).await?,
        Err(_) => None,
    };
    let found = found.filter(|namespace| namespace.kind == "user");
    let found = found.ok_or_else(|| HubError::not_found(format!("There is no user `{name}`.")))?;
    let mut tx = audit::begin(app).await?;
    crate::db::lock(&mut tx, crate::db::LockKey::Moderate).await?;
    if role != SiteRole::None && queries::effects::is_suspended(&mut tx, found.namespace_pk).await? {
        return Err(HubError::conflict(format!("{} is suspended: take that back first.", found.name)));
    }
    if role != SiteRole::Admin && queries::is_last_admin(&mut tx, found.namespace_pk).await? {
        return Err(HubError::conflict(format!("{} is the last who runs this hub: make somebody else an admin first.", found.name)));
    }
    let (admin, moderator) = (role == SiteRole::Admin, role == SiteRole::Moderator);
    queries::set_role(&mut tx, found.namespace_pk, admin, moderator).await?;
    tx.commit().await?;
    Ok(found.name)
}
