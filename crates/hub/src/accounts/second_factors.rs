//! Second factors: codes of an authenticator app, passkeys, and recovery codes for when both are lost.
//!
//! An account has a second factor as soon as it has an app or a passkey: from then on its password alone opens no session, and git and
//! programs need access tokens. A passkey is enough by itself, because its device asks for a finger or a PIN.

pub(super) mod ceremonies;
pub(super) mod codes;
pub(super) mod passkeys;
pub(super) mod totp;

use serde_json::json;
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

/// How many wrong codes of an app are borne in a day.
const MAX_WRONG_CODES: i32 = 100;
/// After how many their owner is told.
const WRONG_CODES_TOLD: i32 = 10;

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
    check(app, user, code, true).await
}

/// The same before something that is refused all the same: a recovery code is not used up. One of the app is, for another one comes.
///
/// # Errors
/// As [`check_code`].
pub(super) async fn check_code_in_vain(app: &App, user: &User, code: &str) -> HubResult<Way> {
    check(app, user, code, false).await
}

async fn check(app: &App, user: &User, code: &str, uses_up: bool) -> HubResult<Way> {
    let attempt = Try::start_code(app, user.pk)?;
    // Nobody guesses a recovery code, so that these are not counted for long.
    let way = if codes::is_like_one(code) {
        let is_right = if uses_up { codes::take(app, user.pk, code).await? } else { codes::has(app, user.pk, code).await? };
        is_right.then_some(Way::RecoveryCode)
    } else {
        start_count(app, user.pk).await?;
        totp::take(app, user.pk, code).await?.then_some(Way::App)
    };
    let Some(way) = way else {
        audit::note(app, user.pk, "factor.code_wrong", &json!({})).await?;
        let text = "This code is not right, or was used before. Wait for the app's next code, and see that its clock is right.";
        return Err(HubError::forbidden(text).at("code"));
    };
    if way == Way::App {
        queries::take_wrong_code_back(&app.pool, user.pk).await?;
    }
    attempt.was_right();
    Ok(way)
}

/// Counts a code as wrong, by all nodes together and for a day, until it turns out to be right: whoever has the password could go on
/// guessing for weeks, a few codes at a time.
async fn start_count(app: &App, user_pk: UserPk) -> HubResult<()> {
    let mut tx = app.begin().await?;
    let (count, secs) = queries::count_wrong_code(&mut tx, user_pk).await?;
    if count == WRONG_CODES_TOLD {
        Job::tell(user_pk, Notice::WrongCodes).enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    if count > MAX_WRONG_CODES {
        let text = "Too many wrong codes in a day. Use a recovery code or a passkey.";
        return Err(HubError::too_many_requests(text, u64::try_from(secs).unwrap_or_default()));
    }
    Ok(())
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
