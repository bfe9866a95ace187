//! What applications ask: tokens, who somebody is, how to ask (discovery), and to become known.

mod discovery;
mod register;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::exchange::{TOKEN_EXCHANGE, check_once, exchange, known, required};
use super::problem::{OauthError, OauthResult, refuse};
use super::queries::clients::Client;
use super::queries::grants::delete_grant;
use super::queries::tokens::{delete_access, find_access, lock_refresh};
use super::{claims, clients, device, scopes_of};
use crate::accounts::{Viewer, throttle, tokens};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, app_of, read_body};

/// The largest form or JSON body of an application, in bytes.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(discovery::routes)
        .route("/oauth/token", web::post().to(post_token))
        .route("/oauth/device", web::post().to(post_device))
        .route("/oauth/userinfo", web::get().to(userinfo))
        .route("/oauth/userinfo", web::post().to(userinfo))
        .route("/oauth/revoke", web::post().to(post_revoke))
        .route("/oauth/introspect", web::post().to(post_introspect))
        .route("/oauth/register", web::post().to(register::post));
}

/// A form that an application sends.
#[derive(Debug)]
struct Sent(Query);

impl FromRequest for Sent {
    type Error = HubError;
    type Future = std::pin::Pin<Box<dyn Future<Output = HubResult<Self>>>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = payload.take();
        Box::pin(async move {
            let body = read_body(&mut payload, BODY_LIMIT_BYTES).await?;
            let text = std::str::from_utf8(&body).map_err(|_| HubError::bad_request("The form is not UTF-8."))?;
            Ok(Self(token_exchange(text).unwrap_or_else(|| Query::parse(text))))
        })
    }
}

/// Asking for a token for a job of CI, which Python does in JSON. Nothing else may be asked so.
fn token_exchange(text: &str) -> Option<Query> {
    if !text.starts_with('{') {
        return None;
    }
    let sent = Query::of_object(&serde_json::from_str(text).ok()?);
    (sent.get("grant_type") == Some(TOKEN_EXCHANGE)).then_some(sent)
}

/// Answers what holds secrets, or says what is wrong in the words of OAuth.
fn answer(outcome: OauthResult<Value>) -> HubResult<HttpResponse> {
    match outcome {
        Ok(body) => Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body)),
        Err(OauthError::Refused(problem)) => Ok(problem.respond()),
        Err(OauthError::Hub(error)) => Err(error),
    }
}

async fn post_token(request: HttpRequest, form: Sent) -> HubResult<HttpResponse> {
    answer(exchange(app_of(&request)?, &request, &form.0).await)
}

async fn post_device(request: HttpRequest, form: Sent) -> HubResult<HttpResponse> {
    let app = app_of(&request)?;
    throttle::count_application(app, &request)?;
    answer(begin_device(app, &request, &form.0).await)
}

async fn begin_device(app: &App, request: &HttpRequest, form: &Query) -> OauthResult<Value> {
    check_once(form)?;
    let client = known(clients::authenticate(app, request, form).await?)?;
    let address = app.config.trusted_proxies.client_of(request).map(|address| address.to_string());
    device::begin(app, &BaseUrl::of(request), &client, form.get("scope"), address.as_deref()).await
}

async fn userinfo(app: web::Data<App>, base: BaseUrl, viewer: Viewer) -> HubResult<HttpResponse> {
    let user = viewer.require_user()?;
    let Some(scopes) = scopes_of(&viewer.auth).filter(|scopes| scopes.contains(&"openid")) else {
        let error = json!({ "error": "insufficient_scope", "error_description": "This needs an application's token with the scope `openid`." });
        return Ok(HttpResponse::build(StatusCode::FORBIDDEN)
            .insert_header((WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\", scope=\"openid\""))
            .json(error));
    };
    let mut conn = app.pool.acquire().await?;
    let (claims, more) = claims::of(&app, &mut conn, &base, user, &scopes).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(claims::to_json(&claims, &more)?))
}

/// RFC 7009. What an application cannot revoke, is answered as if it were revoked.
async fn post_revoke(request: HttpRequest, form: Sent) -> HubResult<HttpResponse> {
    let app = app_of(&request)?;
    answer(revoke(app, &request, &form.0).await.map(|()| json!({})))
}

async fn revoke(app: &App, request: &HttpRequest, form: &Query) -> OauthResult<()> {
    check_once(form)?;
    let client = known(clients::authenticate(app, request, form).await?)?;
    let hash = tokens::hash(required(form, "token")?);
    if let Some(access) = find_access(&app.pool, &hash).await?.filter(|access| access.client_pk == client.pk) {
        delete_access(&app.pool, access.token_pk).await?;
    }
    let mut tx = app.begin().await?;
    if let Some(token) = lock_refresh(&mut tx, &hash).await?.filter(|token| token.client_pk == client.pk) {
        delete_grant(&mut *tx, token.grant_pk).await?;
    }
    Ok(tx.commit().await?)
}

/// RFC 7662: for applications with a secret, about their own tokens.
async fn post_introspect(request: HttpRequest, form: Sent) -> HubResult<HttpResponse> {
    let app = app_of(&request)?;
    answer(introspect(app, &request, &form.0).await)
}

async fn introspect(app: &App, request: &HttpRequest, form: &Query) -> OauthResult<Value> {
    check_once(form)?;
    let client = known(clients::authenticate(app, request, form).await?)?;
    if !client.is_confidential() {
        return Err(refuse("invalid_client", "Only a client with a secret may ask about tokens."));
    }
    let found = find_access(&app.pool, &tokens::hash(required(form, "token")?)).await?;
    let Some(access) = found.filter(|access| access.client_pk == client.pk) else { return Ok(json!({ "active": false })) };
    let scopes = super::scopes::granted(&access.rights).unwrap_or_default();
    Ok(json!({
        "active": true, "scope": scopes.join(" "), "client_id": client.id, "username": access.username, "token_type": "bearer",
        "sub": claims::id_of(access.user_pk), "iat": access.created_at.timestamp(),
        "exp": access.expires_at.map(|at| at.timestamp()), "iss": BaseUrl::of(request).as_str(),
    }))
}

/// What an application is told of itself.
fn described(client: &Client) -> Value {
    json!({
        "client_id": client.id, "client_name": client.name, "redirect_uris": client.redirect_uris, "scope": client.scopes.join(" "),
        "client_id_issued_at": client.created_at.timestamp(),
    })
}
