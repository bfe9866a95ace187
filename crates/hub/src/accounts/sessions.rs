//! Browser sessions: a random cookie, its hash in the database.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;

use super::devices::{self, Device};
use super::queries::sessions::{self as queries, Browser};
use super::{User, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::moderation;
use crate::signing::random_secret;
use crate::web::base_url::BaseUrl;

/// Browsers take `__Host-` cookies by TLS only.
const SECURE_NAME: &str = "__Host-session";
const PLAIN_NAME: &str = "session";

/// The session secret a browser sent. By TLS only the cookie counts that no neighbour under the same domain can set, or somebody
/// could be logged in as another without noticing.
pub fn cookie_of(request: &HttpRequest) -> Option<String> {
    request.cookie(name_for(&BaseUrl::of(request))).map(|cookie| cookie.value().to_owned())
}

/// The part of a session's secret that stays while the session gets others: forms are bound to it, so that those in other tabs go on
/// working. It opens nothing. Whoever copied a former secret knows it, and can get tokens of forms that fit: that other sites cannot send
/// them rests on `SameSite`, and on what browsers say of where a form is from ([`super::csrf::check`]).
pub(super) fn lasting_part(secret: &str) -> &str {
    secret.split_once('.').map_or(secret, |(_, lasting)| lasting)
}

fn name_for(base: &BaseUrl) -> &'static str {
    if base.is_https() { SECURE_NAME } else { PLAIN_NAME }
}

/// How somebody signed in, in the words of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// With a password.
    Password,
    /// With a password and a code of an authenticator app.
    App,
    /// With a password and a recovery code.
    RecoveryCode,
    /// With a password and a passkey.
    PasswordAndPasskey,
    /// With a passkey alone.
    Passkey,
    /// At the outside provider.
    Oidc,
    /// At the outside provider, and with a second factor of the account here.
    OidcAndFactor,
}

impl Way {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::App => "password and app",
            Self::RecoveryCode => "password and recovery code",
            Self::PasswordAndPasskey => "password and passkey",
            Self::Passkey => "passkey",
            Self::Oidc => "oidc",
            Self::OidcAndFactor => "oidc and second factor",
        }
    }
}

/// What a browser says of itself, as far as it is kept.
pub(super) fn user_agent_of(request: &HttpRequest) -> String {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    user_agent.chars().take(300).collect()
}

/// Starts a session and gives the cookies for it: the session's own, and the one by which the browser is known again.
///
/// # Errors
/// 403 for an account that is being deleted, and for a suspended one, with the page to appeal; 409 when all sessions of the account
/// were ended since the user was found;
/// the database does not answer.
pub async fn start(app: &App, user: &User, base: &BaseUrl, request: &HttpRequest, way: Way) -> HubResult<[Cookie<'static>; 2]> {
    if let Some(at) = user.deletes_at {
        return Err(HubError::account_leaves(at));
    }
    if user.suspended {
        return Err(moderation::refusal(app, user).await?);
    }
    let secret = random_secret::<32>();
    let user_agent = user_agent_of(request);
    let address = address_of(app, request);
    let device = Device::of(request, base);
    let device_hash = device.hash();
    let browser = Browser { address: address.as_deref(), user_agent: &user_agent, via: way.as_str(), device_hash: &device_hash };
    let replaced = cookie_of(request).map(|secret| tokens::hash(&secret));
    let limits = app.config.sessions;
    let mut tx = app.begin().await?;
    if queries::hold_sign_in_version(&mut tx, user.pk).await? != Some(user.sign_in_version) {
        return Err(HubError::conflict("All browsers were logged out of this account just now. Log in again."));
    }
    devices::tell_if_new(&mut tx, user.pk, &browser).await?;
    queries::insert_session(&mut tx, &tokens::hash(&secret), replaced.as_ref(), user.pk, &browser, limits).await?;
    queries::insert_sign_in(&mut tx, user.pk, &browser).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok([cookie(base, secret, Duration::days(i64::from(limits.days))), device.cookie()])
}

/// Gives a session another secret, because it was proved just now whose browser it is in: the one from before is worth nothing any
/// more. None if it has another one already, as when two tabs ask at once: the browser keeps what the first got.
///
/// # Errors
/// The database does not answer.
pub(super) async fn renew(
    app: &App,
    base: &BaseUrl,
    request: &HttpRequest,
    session_hash: &[u8; 32],
) -> HubResult<Option<Cookie<'static>>> {
    let former = cookie_of(request).unwrap_or_default();
    let secret = format!("{}.{}", random_secret::<32>(), lasting_part(&former));
    let renewed = queries::renew_session(&app.pool, session_hash, &tokens::hash(&secret)).await?;
    Ok(renewed.then(|| cookie(base, secret, Duration::days(i64::from(app.config.sessions.days)))))
}

/// The address of whoever sent a request, as it is kept.
pub(super) fn address_of(app: &App, request: &HttpRequest) -> Option<String> {
    app.config.trusted_proxies.client_of(request).map(|address| address.to_string())
}

/// The cookie that makes a browser forget its session.
pub fn removal(base: &BaseUrl) -> Cookie<'static> {
    cookie(base, String::new(), Duration::ZERO)
}

fn cookie(base: &BaseUrl, value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(name_for(base), value)
        .path("/")
        .http_only(true)
        .secure(base.is_https())
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}
