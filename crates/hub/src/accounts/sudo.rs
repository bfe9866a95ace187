//! Acts that a thief of an open browser must not do ask once more who is there: by the password, a code or a passkey, if the last
//! proof on this session is older than half an hour.

use actix_web::HttpResponse;

use super::page::PageRequest;
use super::queries::factors as queries;
use super::{Auth, User, Viewer, sessions};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// For how long a proof is good, in seconds.
const LASTS_SECS: f64 = 1800.0;

/// The key of the session in use.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens.
pub fn session_of(page: &PageRequest) -> HubResult<[u8; 32]> {
    page.require_session()?;
    match &page.viewer.auth {
        Auth::Session { session_hash } => Ok(*session_hash),
        Auth::Token { .. } | Auth::Password | Auth::Anonymous => Err(HubError::login_required()),
    }
}

/// The account, if it was proved lately whose browser this is: for handlers of dangerous acts. `back` is the page of the act, where
/// people come back to afterwards.
///
/// # Errors
/// 401 for anonymous viewers, 403 for tokens, and a redirect to `/sudo` when the proof is too old.
pub async fn require<'a>(page: &'a PageRequest, back: &str) -> HubResult<&'a User> {
    page.require_session()?;
    check(&page.app, &page.viewer, back).await?;
    page.require_session()
}

/// The same for what programs do, too. Only browsers are asked: a script of theirs is a thief's tool as much as a page is. A token is
/// nothing that somebody finds open.
///
/// # Errors
/// 403 that names `/sudo` when the proof is too old.
pub async fn check(app: &App, viewer: &Viewer, back: &str) -> HubResult<()> {
    let Auth::Session { session_hash } = &viewer.auth else { return Ok(()) };
    match queries::was_proved(&app.pool, session_hash, LASTS_SECS).await? {
        true => Ok(()),
        false => Err(HubError::proof_required(back)),
    }
}

/// Notes that it was proved just now whose browser this is, gives its session another secret, and leads on.
///
/// # Errors
/// The database does not answer.
pub async fn go_on(page: &PageRequest, next: &str) -> HubResult<HttpResponse> {
    let cookie = sessions::renew(&page.app, &page.base, page.http(), &session_of(page)?).await?;
    let text = "Thank you. Now do what you came for: for half an hour you are not asked again.";
    let mut response = page.redirect_saying(next, text);
    if let Some(cookie) = cookie {
        response.add_cookie(&cookie).map_err(HubError::internal)?;
    }
    Ok(response)
}
