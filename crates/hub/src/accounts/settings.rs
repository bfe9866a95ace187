//! Changing accounts and organisations: profile, password, members.

use super::letters::Notice;
use super::queries::links;
use super::queries::settings as queries;
use super::queries::{find_namespace, upsert_member};
use super::{OrgRole, User, UserPk, passwords};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// The longest full name, in characters.
pub(super) const MAX_FULLNAME: usize = 100;
/// The longest description, in characters.
const MAX_DETAILS: usize = 1000;

/// What a user or an organisation says of itself.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The full name, possibly empty.
    pub fullname: String,
    /// A few words.
    pub details: String,
}

impl Profile {
    fn check(&self) -> HubResult<()> {
        if self.fullname.chars().count() > MAX_FULLNAME {
            return Err(HubError::bad_request(format!("Keep the full name under {MAX_FULLNAME} characters.")).at("fullname"));
        }
        if self.details.chars().count() > MAX_DETAILS {
            return Err(HubError::bad_request(format!("Keep this under {MAX_DETAILS} characters.")).at("details"));
        }
        Ok(())
    }
}

/// Changes a user's profile.
///
/// # Errors
/// 400 for long texts.
pub async fn update_profile(app: &App, user: &User, profile: &Profile) -> HubResult<()> {
    profile.check()?;
    Ok(queries::update_user(&app.pool, user.pk, &profile.fullname, &profile.details).await?)
}

/// Changes a password; the present one has been asked for. All other sessions of the user end, and links to a new password.
///
/// # Errors
/// 400 when the new one is weak.
pub async fn change_password(app: &App, user: &User, new: &str, session_hash: &[u8; 32]) -> HubResult<()> {
    passwords::check(new).map_err(|error| error.at("new_password"))?;
    let hash = passwords::hash(new.to_owned()).await?;
    let mut tx = app.begin().await?;
    queries::update_password(&mut tx, user.pk, &hash, Some(session_hash)).await?;
    links::delete_links_of(&mut tx, user.pk).await?;
    Job::tell(user.pk, Notice::PasswordChanged).enqueue(&mut tx).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Keeps a user's clients to plain HTTP, or leads them to chunks again.
///
/// # Errors
/// The database does not answer.
pub async fn set_plain_http(app: &App, user: &User, plain_http: bool) -> HubResult<()> {
    Ok(queries::update_plain_http(&app.pool, user.pk, plain_http).await?)
}

/// The key of an organisation that the user administers.
///
/// # Errors
/// 404 for an organisation that does not exist, 403 for one the user does not administer.
pub async fn require_admin_of(app: &App, user: &User, name: &str) -> HubResult<queries::ProfileRow> {
    let found = queries::find_profile(&app.pool, name).await?.filter(|found| found.kind == "organization");
    let found = found.ok_or_else(|| HubError::not_found(format!("There is no organization `{name}`.")))?;
    let role = user
        .memberships
        .iter()
        .find(|membership| membership.namespace_pk == found.namespace_pk)
        .map(|membership| membership.role);
    if user.is_admin || role == Some(OrgRole::Admin) {
        return Ok(found);
    }
    Err(HubError::forbidden(format!("Only an admin of {} can change its settings.", found.name)))
}

/// Changes an organisation's profile.
///
/// # Errors
/// 400 for long texts.
pub async fn update_organization(app: &App, pk: i64, profile: &Profile, default_private: bool) -> HubResult<()> {
    profile.check()?;
    Ok(queries::update_organization(&app.pool, pk, &profile.fullname, &profile.details, default_private).await?)
}

/// Gives a user a role in an organisation: adds them or changes what they may do.
///
/// # Errors
/// 404 for an unknown user, 409 when the organisation would be left without an admin.
pub async fn set_member(app: &App, organization_pk: i64, name: &str, role: OrgRole) -> HubResult<()> {
    let user_pk = find_user_pk(app, name).await?;
    let mut tx = app.begin().await?;
    let admins = queries::lock_admins(&mut tx, organization_pk).await?;
    if role != OrgRole::Admin {
        keep_an_admin(&admins, user_pk)?;
    }
    upsert_member(&mut tx, organization_pk, user_pk, role).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a user out of an organisation.
///
/// # Errors
/// 404 for an unknown user, 409 when the organisation would be left without an admin.
pub async fn remove_member(app: &App, organization_pk: i64, name: &str) -> HubResult<()> {
    let user_pk = find_user_pk(app, name).await?;
    let mut tx = app.begin().await?;
    let admins = queries::lock_admins(&mut tx, organization_pk).await?;
    keep_an_admin(&admins, user_pk)?;
    queries::delete_member(&mut tx, organization_pk, user_pk).await?;
    tx.commit().await?;
    Ok(())
}

fn keep_an_admin(admins: &[UserPk], leaving: UserPk) -> HubResult<()> {
    if admins == [leaving] {
        return Err(HubError::conflict("An organization needs at least one admin: make somebody else admin first.").at("user"));
    }
    Ok(())
}

async fn find_user_pk(app: &App, name: &str) -> HubResult<UserPk> {
    let missing =
        || HubError::not_found(format!("There is no user `{}`.", name.chars().take(100).collect::<String>())).at("user");
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    hub_types::check_name(name).map_err(|_| missing())?;
    let mut conn = app.pool.acquire().await?;
    let found = find_namespace(&mut conn, name).await?.filter(|found| found.kind == "user");
    drop(conn);
    found.map(|found| found.namespace_pk).ok_or_else(missing)
}
