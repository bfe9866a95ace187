//! Second factors: codes of an authenticator app, passkeys, and recovery codes for when both are lost.
//!
//! An account has a second factor as soon as it has an app or a passkey: from then on its password alone opens no session, and git and
//! programs need access tokens. A passkey is enough by itself, because its device asks for a finger or a PIN.

pub(super) mod ceremonies;
pub(super) mod codes;
pub(super) mod passkeys;
pub(super) mod totp;

use sqlx::PgConnection;

use super::letters::Notice;
use super::queries::factors as queries;
use super::queries::sessions::delete_other_sessions_in;
use super::queries::{find_namespace, find_user};
use super::sessions::Way;
use super::throttle::Try;
use super::{User, UserPk, audit};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// Whether an account needs more than its password.
///
/// # Errors
/// The database does not answer.
pub async fn has_any(app: &App, user_pk: UserPk) -> HubResult<bool> {
    let mut conn = app.pool.acquire().await?;
    Ok(has_any_in(&mut conn, user_pk).await?)
}

async fn has_any_in(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    let found = queries::find_factors(conn, user_pk).await?;
    Ok(found.app_since.is_some() || found.passkeys > 0)
}

/// Checks a code of the app, or a recovery code, and uses it up.
///
/// # Errors
/// 403 when it is wrong or was used, 429 after too many wrong ones.
pub(super) async fn check_code(app: &App, user: &User, code: &str) -> HubResult<Way> {
    let attempt = Try::start_code(app, user.pk)?;
    let way = if totp::take(app, user.pk, code).await? {
        Way::App
    } else if codes::take(app, user.pk, code).await? {
        Way::RecoveryCode
    } else {
        let text = "This code is not right, or was used before. Wait for the app's next code, and see that its clock is right.";
        return Err(HubError::forbidden(text).at("code"));
    };
    attempt.was_right();
    Ok(way)
}

/// What follows when an account got a factor: with the first one its other sessions end, and it gets recovery codes, which are given.
async fn follow_addition(
    tx: &mut PgConnection,
    user_pk: UserPk,
    was_first: bool,
    session_hash: &[u8],
    told: &str,
) -> HubResult<Option<Vec<String>>> {
    tell(tx, user_pk, told).await?;
    if !was_first {
        return Ok(None);
    }
    delete_other_sessions_in(tx, user_pk, session_hash).await?;
    Ok(Some(codes::replace(tx, user_pk).await?))
}

/// What follows when a factor went: without any, recovery codes are good for nothing.
async fn follow_removal(tx: &mut PgConnection, user_pk: UserPk, told: &str) -> HubResult<()> {
    queries::delete_ceremonies_of(tx, user_pk).await?;
    if !has_any_in(tx, user_pk).await? {
        queries::delete_codes(tx, user_pk).await?;
    }
    tell(tx, user_pk, told).await
}

async fn tell(tx: &mut PgConnection, user_pk: UserPk, told: &str) -> HubResult<()> {
    Ok(Job::tell(user_pk, Notice::SecondFactors { told: told.to_owned() }).enqueue(tx).await?)
}

/// Takes all second factors from an account, and ends its sessions: for whoever runs the hub, when somebody lost theirs. Tells whether
/// there were any.
///
/// # Errors
/// 404 for an unknown user.
pub async fn remove_all(app: &App, name: &str) -> HubResult<bool> {
    let missing = || HubError::not_found(format!("There is no user `{}`.", name.chars().take(100).collect::<String>()));
    hub_types::check_name(name).map_err(|_| missing())?;
    let mut tx = audit::begin(app).await?;
    let found = find_namespace(&mut tx, name).await?.filter(|found| found.kind == "user").ok_or_else(missing)?;
    let user_pk = found.namespace_pk;
    let had_any = has_any_in(&mut tx, user_pk).await?;
    if had_any {
        queries::delete_app(&mut tx, user_pk).await?;
        queries::delete_passkeys(&mut tx, user_pk).await?;
        delete_other_sessions_in(&mut tx, user_pk, &[]).await?;
        follow_removal(&mut tx, user_pk, "whoever runs the hub removed all second factors of your account.").await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(had_any)
}

/// The user of a key that was kept a moment ago.
async fn user_of(app: &App, user_pk: UserPk) -> HubResult<User> {
    find_user(&app.pool, user_pk).await?.ok_or_else(HubError::login_required)
}
