//! Who sent a request, told by what it shows: a header or a cookie.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Auth, Viewer};
use crate::accounts::{audit, csrf, queries, second_factors, sessions, sign_in, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::oauth;
use crate::ssh::lfs_token;
use crate::web::extract::{app_of, is_safe};

impl FromRequest for Viewer {
    type Error = HubError;
    type Future = Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if let Some(viewer) = request.extensions().get::<Self>() {
                return Ok(viewer.clone());
            }
            if let Some(Refused(error)) = request.extensions().get::<Refused>() {
                return Err(error.repeat());
            }
            let viewer = match identify(&request).await {
                Ok(viewer) => viewer,
                Err(error) => {
                    if error.is_for_client() {
                        request.extensions_mut().insert(Refused(error.repeat()));
                    }
                    return Err(error);
                }
            };
            if let Some(user) = &viewer.user {
                // From here on every log line of the request says who asked.
                tracing::Span::current().record("user.name", &user.name);
            }
            audit::note_viewer(&viewer);
            request.extensions_mut().insert(viewer.clone());
            Ok(viewer)
        })
    }
}

/// Credentials that were refused: who asks again about the same request shall not have a password checked and counted twice.
struct Refused(HubError);

async fn identify(request: &HttpRequest) -> HubResult<Viewer> {
    let app = app_of(request)?;
    // Here the header names an application, which is no account.
    if oauth::takes_client_credentials(request.path()) && !is_safe(request) {
        return Ok(Viewer::ANONYMOUS);
    }
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| HubError::invalid_credentials())?;
        let viewer = by_header(app, request, value).await?;
        return match &viewer.user {
            Some(user) if user.suspended && user.is_service() => Err(HubError::service_account_disabled()),
            Some(user) if user.suspended => Err(HubError::suspended(None)),
            _ => Ok(viewer),
        };
    }
    let Some(secret) = sessions::cookie_of(request) else { return Ok(Viewer::ANONYMOUS) };
    let hash = tokens::hash(&secret);
    let address = sessions::address_of(app, request);
    let found = queries::sessions::find_session_user(&app.pool, &hash, address.as_deref(), app.config.sessions).await?;
    let Some(user) = found else {
        return Ok(Viewer::ANONYMOUS);
    };
    // Its sessions ended; one that was begun at the same moment is worth nothing.
    if user.suspended {
        return Ok(Viewer::ANONYMOUS);
    }
    // Forms carry their token in the body and check it themselves; scripts must send the header.
    if !is_safe(request) && takes_no_forms(request.path()) && !csrf::header_is_valid(app, request) {
        return Ok(Viewer::ANONYMOUS);
    }
    Ok(Viewer { user: Some(user), auth: Auth::Session { session_hash: hash } })
}

/// Whether only programs and scripts send something here. Git itself asks for a content type that no form has.
fn takes_no_forms(path: &str) -> bool {
    path.starts_with("/api/")
        || path == "/uploads"
        || path.ends_with("/info/lfs/objects/batch")
        || path.contains("/info/lfs/locks")
}

async fn by_header(app: &App, request: &HttpRequest, value: &str) -> HubResult<Viewer> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        if rest.starts_with(lfs_token::PREFIX) {
            return lfs_token::viewer(app, request, rest).await;
        }
        return by_token(app, request, rest).await?.ok_or_else(HubError::invalid_credentials);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(HubError::invalid_credentials());
    }
    let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(HubError::invalid_credentials)?;
    let (name, password) = decoded.split_once(':').ok_or_else(HubError::invalid_credentials)?;
    // git asks with a token as the password; some people put it in the user's place.
    for candidate in [password, name] {
        if candidate.starts_with(tokens::PREFIX)
            && let Some(viewer) = by_token(app, request, candidate).await?
        {
            return Ok(viewer);
        }
    }
    let user = sign_in::find_by_password(app, request, name, password).await?.ok_or_else(HubError::invalid_credentials)?;
    if sign_in::must_confirm(app, &user) {
        return Err(HubError::unconfirmed_email());
    }
    if second_factors::has_any(app, user.pk).await? {
        return Err(HubError::token_required());
    }
    Ok(Viewer { user: Some(user), auth: Auth::Password })
}

async fn by_token(app: &App, request: &HttpRequest, secret: &str) -> HubResult<Option<Viewer>> {
    let found = app.token_viewers.find(tokens::hash(secret)).await?;
    if let Some(Viewer { auth: Auth::Token { token_pk, .. }, .. }) = &found {
        app.last_uses.note(*token_pk, app.config.trusted_proxies.client_of(request));
    }
    Ok(found)
}
