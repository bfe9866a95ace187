//! Protection against forged requests: forms carry a token that is bound to a cookie only this browser has.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpMessage as _, HttpRequest};

use super::sessions;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::random_secret;
use crate::web::base_url::BaseUrl;

/// The form field that carries the token.
pub const FIELD: &str = "csrf_token";
/// As the session's, which it stands in for.
const SECURE_COOKIE: &str = "__Host-visit";
const PLAIN_COOKIE: &str = "visit";
const PURPOSE: &str = "csrf";

/// A token for this browser's forms, and the cookie to set if it has none yet.
pub fn token_for(app: &App, request: &HttpRequest) -> (String, Option<Cookie<'static>>) {
    if let Some(secret) = binding_of(request) {
        return (app.signer.sign(PURPOSE, &secret), None);
    }
    // Two forms on one page must agree on the cookie.
    let secret = request.extensions().get::<NewVisit>().map(|visit| visit.0.clone());
    let secret = secret.unwrap_or_else(|| {
        let secret = random_secret::<16>();
        request.extensions_mut().insert(NewVisit(secret.clone()));
        secret
    });
    let cookie = Cookie::build(cookie_name(request), secret.clone());
    let cookie = cookie.path("/").http_only(true).secure(BaseUrl::of(request).is_https()).same_site(SameSite::Lax).finish();
    (app.signer.sign(PURPOSE, &secret), Some(cookie))
}

fn cookie_name(request: &HttpRequest) -> &'static str {
    if BaseUrl::of(request).is_https() { SECURE_COOKIE } else { PLAIN_COOKIE }
}

struct NewVisit(String);

/// What the token is bound to: the session, whichever secret it has now, else the visit cookie.
pub(super) fn binding_of(request: &HttpRequest) -> Option<String> {
    let session = sessions::cookie_of(request).map(|secret| sessions::lasting_part(&secret).to_owned());
    session.or_else(|| request.cookie(cookie_name(request)).map(|cookie| cookie.value().to_owned()))
}

/// Checks the token of a form.
///
/// # Errors
/// 403 that says to load the page again.
pub fn check(app: &App, request: &HttpRequest, token: Option<&str>) -> HubResult<()> {
    let valid = binding_of(request).is_some_and(|secret| token.is_some_and(|token| app.signer.verify(PURPOSE, &secret, token)));
    if valid && !is_sent_elsewhere(request) {
        Ok(())
    } else {
        Err(HubError::forbidden("This form has expired. Go back, load the page again and send it once more."))
    }
}

/// Whether the browser says that another site's page sends this, be it one beside the hub's under the same domain: whoever once copied
/// a cookie knows what its tokens are. Older browsers, and those without TLS, say nothing
/// (<https://www.w3.org/TR/fetch-metadata/>).
fn is_sent_elsewhere(request: &HttpRequest) -> bool {
    request.headers().get("sec-fetch-site").is_some_and(|site| matches!(site.as_bytes(), b"cross-site" | b"same-site"))
}

/// Whether a script sent the token in `X-CSRF-Token`.
pub fn header_is_valid(app: &App, request: &HttpRequest) -> bool {
    let token = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    check(app, request, token).is_ok()
}
