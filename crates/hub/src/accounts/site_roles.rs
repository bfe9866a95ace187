//! What people may do on the hub as a whole: run it, or moderate it.

use sqlx::PgConnection;

use super::{User, UserPk, audit, queries};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};

/// What somebody is on the hub as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteRole {
    /// Runs the hub: sees everything and may do everything.
    Admin,
    /// Looks after what others publish.
    Moderator,
    /// What everybody is.
    None,
}

impl SiteRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Moderator, Self::None];

    /// The word of forms and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Moderator => "moderator",
            Self::None => "none",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The role out of what is stored.
    pub const fn of(is_admin: bool, is_moderator: bool) -> Self {
        match (is_admin, is_moderator) {
            (true, _) => Self::Admin,
            (false, true) => Self::Moderator,
            (false, false) => Self::None,
        }
    }
}

/// The account of a name.
///
/// # Errors
/// 404 when there is none.
pub async fn find_by_name(app: &App, name: &str) -> HubResult<User> {
    let found = queries::settings::find_profile(&app.pool, name).await?.filter(|found| found.kind == "user");
    let user = match found {
        Some(found) => queries::find_user(&app.pool, found.namespace_pk).await?,
        None => None,
    };
    user.ok_or_else(|| HubError::not_found("There is no account of this name."))
}

/// Gives somebody a role on the hub, and tells whether that changed anything.
///
/// # Errors
/// 409 when nobody would be left who runs the hub, and for accounts that are suspended.
pub async fn set_site_role(app: &App, user_pk: UserPk, role: SiteRole) -> HubResult<bool> {
    let mut tx = audit::begin(app).await?;
    let changed = set_site_role_in(&mut tx, user_pk, role).await?;
    tx.commit().await?;
    Ok(changed)
}

/// What somebody is, which stays so until the transaction ends; nothing for an account that is gone.
///
/// # Errors
/// The database does not answer.
pub async fn lock_site_role(conn: &mut PgConnection, user_pk: UserPk) -> HubResult<Option<SiteRole>> {
    db::lock(conn, LockKey::FirstAccount).await?;
    let found = queries::find_site_role(conn, user_pk).await?;
    Ok(found.map(|(is_admin, is_moderator)| SiteRole::of(is_admin, is_moderator)))
}

/// [`set_site_role`], in a transaction at hand that [`audit::begin`] began.
///
/// # Errors
/// 409 when nobody would be left who runs the hub, for accounts that are suspended, and for service accounts.
pub async fn set_site_role_in(conn: &mut PgConnection, user_pk: UserPk, role: SiteRole) -> HubResult<bool> {
    // Two who take the role from each other at once must not both succeed.
    db::lock(conn, LockKey::FirstAccount).await?;
    if role != SiteRole::Admin && queries::is_last_admin(conn, user_pk).await? {
        return Err(HubError::conflict("Nobody else runs this hub. Make somebody else an administrator first."));
    }
    if role != SiteRole::None && queries::service_accounts::is_service(&mut *conn, user_pk).await? {
        return Err(HubError::conflict("This is a service account: only people run or moderate a hub."));
    }
    if role != SiteRole::None && queries::is_suspended(conn, user_pk).await? {
        return Err(HubError::conflict("This account is suspended. Take that decision back in the log of moderation first."));
    }
    Ok(queries::update_site_role(conn, user_pk, role == SiteRole::Admin, role == SiteRole::Moderator).await?)
}
