//! Signing in with a password: in the browser, and with git.

use actix_web::HttpRequest;
use serde_json::json;

use super::passwords::Found;
use super::throttle::Try;
use super::{Auth, User, UserPk, Viewer, audit, first_passwords, passwords, queries, second_factors, sessions};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Somebody whose name and password are right.
#[derive(Debug)]
pub struct Known {
    /// Who.
    pub user: User,
    /// Whether the password was made up, so that it opens nothing but the page that asks for another.
    pub must_change: bool,
}

/// Finds the user of a name (or mail address) and password; nobody where passwords are switched off.
///
/// # Errors
/// 403 when the password must be changed first, 429 after too many wrong passwords.
pub async fn find_by_password(app: &App, request: &HttpRequest, name: &str, password: &str) -> HubResult<Option<User>> {
    match find_known(app, request, name, password).await? {
        Some(known) if known.must_change => Err(HubError::first_password()),
        known => Ok(known.map(|known| known.user)),
    }
}

/// The same for who can be asked for another password.
///
/// # Errors
/// 403 when the password has ended, 429 after too many wrong passwords.
pub async fn find_known(app: &App, request: &HttpRequest, name: &str, password: &str) -> HubResult<Option<Known>> {
    if passwords_are_off(app) {
        return Ok(None);
    }
    check_password(app, request, name, password).await
}

/// Whether people sign in at the outside provider only.
pub fn passwords_are_off(app: &App) -> bool {
    app.config.oidc.as_ref().is_some_and(|provider| provider.only)
}

async fn check_password(app: &App, request: &HttpRequest, name: &str, password: &str) -> HubResult<Option<Known>> {
    // A NUL never reaches the database: it would be a 500 there.
    if name.contains('\0') {
        return Ok(None);
    }
    let attempt = Try::start(app, request, name)?;
    match passwords::find_user(app, name, password).await? {
        Found::User(user, ends_at) => {
            attempt.was_right();
            if ends_at.is_some_and(|at| at <= crate::clock::now()) {
                return Err(HubError::first_password_over(first_passwords::LASTS_DAYS));
            }
            Ok(Some(Known { user: *user, must_change: ends_at.is_some() }))
        }
        Found::Wrong(user_pk) => {
            if attempt.is_first() {
                note_wrong(app, request, user_pk);
            }
            Ok(None)
        }
        Found::Nobody => Ok(None),
    }
}

/// Has the security log tell of a wrong password. Nobody waits for it: how long the answer takes would tell that there is such an
/// account.
fn note_wrong(app: &App, request: &HttpRequest, user_pk: UserPk) {
    let app = app.clone();
    let details = json!({ "browser": sessions::user_agent_of(request) });
    let note = async move {
        if let Err(error) = audit::note(&app, user_pk, "account.sign_in_failed", &details).await {
            tracing::warn!(%error, "the security log does not tell of a wrong password");
        }
    };
    tokio::spawn(audit::carry(note));
}

/// Whether a user has to confirm the mail address before they may sign in. Those who run the hub need not: somebody has to set
/// up its mail.
pub fn must_confirm(app: &App, user: &User) -> bool {
    app.config.require_confirmed_email && !user.email_confirmed && !user.is_admin
}

/// Asks for the password of somebody who is signed in, before something that a thief of their browser must not do.
///
/// # Errors
/// 403 when it is wrong, 429 after too many wrong ones.
pub async fn ask_password(app: &App, request: &HttpRequest, user: &User, password: &str) -> HubResult<()> {
    if !queries::identities::has_password(&app.pool, user.pk).await? {
        let text = "Your account has no password yet. Set one first, by the link that `/forgot-password` sends you.";
        return Err(HubError::forbidden(text).at("current_password"));
    }
    match check_password(app, request, &user.name, password).await? {
        Some(found) if found.user.pk == user.pk => Ok(()),
        _ => Err(HubError::forbidden("This is not your present password.").at("current_password")),
    }
}

/// Asks for all that a sign-in asks for, of somebody who gets no session: the password, and a code where the account has a second factor.
/// The security log tells of it. What is refused all the same is given as `refused`: only who has shown who they are is told of it, and it
/// uses up no recovery code.
///
/// # Errors
/// 403 when something is wrong, or the account has no password; 429 after too many wrong ones; `refused`.
pub async fn ask_all(
    app: &App,
    request: &HttpRequest,
    user: &User,
    password: &str,
    code: &str,
    refused: Option<HubError>,
) -> HubResult<()> {
    if !passwords_are_off(app) && !queries::identities::has_password(&app.pool, user.pk).await? {
        let text = "This account has no password yet. Set one first, by the link that `/forgot-password` sends you.";
        return Err(HubError::forbidden(text).at("current_password"));
    }
    match find_by_password(app, request, &user.name, password).await? {
        Some(found) if found.pk == user.pk => {}
        _ => return Err(HubError::forbidden("This is not the password of this account.").at("current_password")),
    }
    if second_factors::has_any(app, user.pk).await? {
        if code.is_empty() {
            let text = "This account has a second factor: give a code of its app, or a recovery code.";
            return Err(HubError::forbidden(text).at("code"));
        }
        if refused.is_some() {
            second_factors::check_code_in_vain(app, user, code).await?;
        } else {
            second_factors::check_code(app, user, code).await?;
        }
    }
    // No session tells of it, so the security log does.
    audit::note_viewer(&Viewer { user: Some(user.clone()), auth: Auth::Password });
    let details = json!({ "browser": sessions::user_agent_of(request) });
    audit::note(app, user.pk, "account.proof", &details).await?;
    refused.map_or(Ok(()), Err)
}
