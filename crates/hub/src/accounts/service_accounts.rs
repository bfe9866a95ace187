//! Service accounts: accounts that an organisation has for its programs. They have access tokens and nothing to sign in with, a role
//! in their organisation that is never admin, and are in no other. Their rights are found as those of any member; what is theirs
//! alone is decided by [`User::is_service`], and kept by a check and triggers of the database.

use super::queries::service_accounts::deleted::{self, DeletedServiceAccount};
use super::queries::service_accounts::{self as queries, ServiceAccountRow};
use super::queries::settings::ProfileRow;
use super::queries::{self as accounts, lock_user, upsert_member};
use super::tokens::{self, NewToken};
use super::{OrgRole, User, UserPk, audit, operations};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};
use crate::repos::changes::undoable_since;
use crate::web::text::is_readable_line;

/// How many an organisation can have.
pub const MOST: i64 = 50;
/// How many of those that were deleted are listed.
const MOST_DELETED: i64 = 50;
/// How many tokens each can have.
pub const MOST_TOKENS: i64 = 20;
/// How long what it is for can be, in characters.
const MAX_PURPOSE: usize = 300;

/// The page of a service account.
pub fn path_of(organization: &str, name: &str) -> String {
    format!("/organizations/{organization}/settings/service-accounts/{name}")
}

/// Finds a service account of an organisation.
///
/// # Errors
/// 404 when there is none of this name.
pub async fn find(app: &App, organization_pk: i64, name: &str) -> HubResult<ServiceAccountRow> {
    // An impossible name never reaches the database: a NUL in it would be a 500 there.
    hub_types::check_name(name).map_err(|_| missing())?;
    queries::list_service_accounts(&app.pool, organization_pk, Some(name), 1).await?.pop().ok_or_else(missing)
}

/// The account itself, for what tokens may do.
///
/// # Errors
/// 404 when it was deleted meanwhile.
pub async fn load(app: &App, row: &ServiceAccountRow) -> HubResult<User> {
    accounts::find_user(&app.pool, row.user_pk).await?.ok_or_else(missing)
}

fn missing() -> HubError {
    HubError::not_found("The organization has no such service account: it may have been deleted.")
}

/// Makes a service account.
///
/// # Errors
/// 400 for a bad name, a long purpose or a role that it cannot have; 404 when the organisation is being deleted; 409 for a name that is taken, and when there are too many.
pub async fn create(app: &App, organization: &ProfileRow, name: &str, purpose: &str, role: OrgRole) -> HubResult<()> {
    operations::check_namespace(name)?;
    check(purpose, role)?;
    let mut tx = audit::begin(app).await?;
    let count = queries::lock_and_count(&mut tx, organization.namespace_pk).await?;
    if count.ok_or_else(no_organization)? >= MOST {
        return Err(too_many().at("name"));
    }
    let user_pk = operations::insert_namespace(app, &mut tx, name, "user").await?;
    queries::insert(&mut tx, user_pk, organization.namespace_pk, purpose).await?;
    upsert_member(&mut tx, organization.namespace_pk, user_pk, role).await?;
    Ok(tx.commit().await?)
}

fn no_organization() -> HubError {
    HubError::not_found("There is no organization of this name.")
}

fn too_many() -> HubError {
    HubError::conflict(format!("An organization can have {MOST} service accounts: delete one that is not needed first."))
}

/// Changes what a service account is for, and its role.
///
/// # Errors
/// 400 for a long purpose or a role that it cannot have.
pub async fn change(app: &App, organization_pk: i64, row: &ServiceAccountRow, purpose: &str, role: OrgRole) -> HubResult<()> {
    check(purpose, role)?;
    let mut tx = audit::begin(app).await?;
    queries::hold_home(&mut tx, row.user_pk).await?;
    queries::update_details(&mut tx, row.user_pk, purpose).await?;
    upsert_member(&mut tx, organization_pk, row.user_pk, role).await?;
    Ok(tx.commit().await?)
}

fn check(purpose: &str, role: OrgRole) -> HubResult<()> {
    let is_text = purpose.is_empty() || is_readable_line(purpose);
    if !is_text || purpose.chars().count() > MAX_PURPOSE {
        return Err(HubError::bad_request(format!("Write at most {MAX_PURPOSE} characters, in one line.")).at("purpose"));
    }
    if role == OrgRole::Admin {
        return Err(HubError::bad_request("A service account administers nothing: choose read, contributor or write.").at("role"));
    }
    Ok(())
}

/// Disables a service account, so that its tokens open nothing from now on, or enables it with the tokens it had.
///
/// # Errors
/// The database does not answer.
pub async fn set_disabled(app: &App, row: &ServiceAccountRow, disabled: bool) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    queries::update_disabled(&mut tx, row.user_pk, disabled).await?;
    Ok(tx.commit().await?)
}

/// Deletes a service account with its tokens. Nobody else gets its name; for some time, it can come back ([`restore`]).
///
/// # Errors
/// 404 when it was deleted meanwhile.
pub async fn delete(app: &App, row: &ServiceAccountRow) -> HubResult<()> {
    let mut tx = audit::begin(app).await?;
    queries::hold_home(&mut tx, row.user_pk).await?;
    if !deleted::delete(&mut tx, row.user_pk).await? {
        return Err(missing());
    }
    Ok(tx.commit().await?)
}

/// The service accounts of an organisation that were deleted and can come back.
///
/// # Errors
/// The database does not answer.
pub async fn list_deleted(app: &App, organization_pk: i64) -> HubResult<Vec<DeletedServiceAccount>> {
    Ok(deleted::list(&app.pool, organization_pk, undoable_since(app), MOST_DELETED).await?)
}

/// Brings back a service account that was deleted, with its role and in its groups, and gives its name. Its tokens stay revoked: somebody
/// else may have them.
///
/// # Errors
/// 404 when the organisation is being deleted, 409 when it is there already, the time for that is over, and for too many.
pub async fn restore(app: &App, organization_pk: i64, user_pk: UserPk) -> HubResult<String> {
    let mut tx = audit::begin(app).await?;
    // What moderators decide about it at the same time reaches it, before it is back or afterwards.
    db::lock(&mut tx, LockKey::Moderate).await?;
    if queries::lock_and_count(&mut tx, organization_pk).await?.ok_or_else(no_organization)? >= MOST {
        return Err(too_many());
    }
    let restored = deleted::restore(&mut tx, organization_pk, user_pk, undoable_since(app)).await?;
    let name = restored.ok_or_else(HubError::no_longer_restorable)?;
    tx.commit().await?;
    Ok(name)
}

/// Makes a token of a service account and gives its text, which is not kept.
///
/// # Errors
/// 400 for an empty or long name, 404 when the account was deleted meanwhile, 409 when it has too many.
pub async fn create_token(app: &App, row: &ServiceAccountRow, token: &NewToken) -> HubResult<String> {
    tokens::check_name(&token.name)?;
    let secret = tokens::generate();
    let mut tx = audit::begin(app).await?;
    lock_user(&mut tx, row.user_pk).await?;
    if queries::count_tokens(&mut tx, row.user_pk).await? >= MOST_TOKENS {
        let text = format!("A service account can have {MOST_TOKENS} tokens: revoke one that is not used first.");
        return Err(HubError::conflict(text).at("name"));
    }
    match accounts::tokens::insert_token(&mut tx, row.user_pk, token, &secret).await {
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => Err(missing()),
        other => {
            other?;
            tx.commit().await?;
            Ok(secret)
        }
    }
}
