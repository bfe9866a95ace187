//! `/login/second-factor`, between a right password (or what a provider says) and the session, and signing in by a passkey alone.
//!
//! Until the second factor is proved there is no session. That the password was right is kept on the server for ten minutes, and
//! found by a cookie that is made anew with each right password.

use actix_web::cookie::time::Duration;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::entry::{log_in, next_of, refuse_passwords, show_refused};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::find_user;
use crate::accounts::second_factors::ceremonies::{self, Kind};
use crate::accounts::second_factors::passkeys::{self, Answer};
use crate::accounts::second_factors::{check_code, has_any};
use crate::accounts::sessions::Way;
use crate::accounts::{User, queries};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Browsers take `__Host-` cookies by TLS only.
const SECURE_COOKIE: &str = "__Host-half_sign_in";
const PLAIN_COOKIE: &str = "half_sign_in";

/// Asks for the second factor.
#[derive(Debug, Template)]
#[template(path = "accounts/second_factor.html")]
pub(super) struct SecondFactorPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Who signs in.
    pub name: String,
    /// Whether the account has an authenticator app.
    pub has_app: bool,
    /// Whether it has passkeys that work here.
    pub has_passkeys: bool,
    /// The code.
    pub code: Field,
}

/// What is kept of a right password.
#[derive(Debug, Serialize, Deserialize)]
struct Half {
    next: String,
    /// [`User::sign_in_version`] at that time.
    #[serde(default)]
    version: i32,
    /// Whether it was not a password, but the outside provider.
    #[serde(default)]
    by_provider: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/login/second-factor", crate::web::read().to(show))
        .route("/login/second-factor", web::post().to(post_code))
        .route("/login/second-factor/challenge", web::post().to(post_challenge))
        .route("/login/passkey", web::post().to(post_passkey))
        .route("/login/passkey/challenge", web::post().to(post_passkey_challenge));
}

/// Goes on after a right password: to the second factor, or to the session of who has none.
pub(super) async fn after_password(page: &PageRequest, user: &User, next: &str) -> HubResult<HttpResponse> {
    after_first(page, user, next, Way::Password).await
}

/// The same for somebody whom the outside provider has signed in.
pub(super) async fn after_provider(page: &PageRequest, user: &User, next: &str) -> HubResult<HttpResponse> {
    after_first(page, user, next, Way::Oidc).await
}

async fn after_first(page: &PageRequest, user: &User, next: &str, way: Way) -> HubResult<HttpResponse> {
    if !has_any(&page.app, user.pk).await? {
        return log_in(page, user, next, way).await;
    }
    let half = Half { next: next_of(next).to_owned(), version: user.sign_in_version, by_provider: way == Way::Oidc };
    let secret = ceremonies::keep(&page.app, page.http(), Kind::HalfSignIn, Some(user.pk), &half).await?;
    let mut response = page.redirect("/login/second-factor");
    let cookie = page.own_cookie(cookie_name(page), secret, Duration::seconds(i64::from(ceremonies::SECS)));
    response.add_cookie(&cookie).map_err(HubError::internal)?;
    Ok(response)
}

fn cookie_name(page: &PageRequest) -> &'static str {
    if page.base.is_https() { SECURE_COOKIE } else { PLAIN_COOKIE }
}

fn secret_of(page: &PageRequest) -> Option<String> {
    page.http().cookie(cookie_name(page)).map(|cookie| cookie.value().to_owned())
}

/// Who gave a right password in this browser, and where they want to go.
async fn find_half(page: &PageRequest) -> HubResult<Option<(User, Half)>> {
    let Some(secret) = secret_of(page) else { return Ok(None) };
    let found = ceremonies::find::<Half>(&page.app, page.http(), Kind::HalfSignIn, &secret).await?;
    let Some((Some(user_pk), half)) = found else { return Ok(None) };
    let user = find_user(&page.app.pool, user_pk).await?.filter(|user| user.sign_in_version == half.version);
    Ok(user.map(|user| (user, half)))
}

async fn start_over(page: &PageRequest) -> HubResult<HttpResponse> {
    let error = HubError::bad_request("Log in first, and give the second factor within ten minutes.");
    show_refused(page, "/", error).await
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    match find_half(&page).await? {
        Some((user, _)) => show_form(&page, &user, &Refusal::default()).await,
        None => start_over(&page).await,
    }
}

async fn show_form(page: &PageRequest, user: &User, refusal: &Refusal) -> HubResult<HttpResponse> {
    let mut conn = page.app.pool.acquire().await?;
    let factors = queries::factors::find_factors(&mut conn, user.pk).await?;
    drop(conn);
    let has_app = factors.app_since.is_some();
    let code = match has_app {
        true => Field::new("code", "Code").hint("Six digits of your authenticator app. Or one of your recovery codes."),
        false => Field::new("code", "Recovery code").hint("When you do not have your passkey with you. Each works once."),
    };
    let mut layout = page.layout("Second factor");
    layout.return_to = String::new();
    let shown = SecondFactorPage {
        layout,
        error: refusal.message_elsewhere(&["code"]),
        name: user.name.clone(),
        has_app,
        has_passkeys: factors.passkeys > 0 && passkeys::relying_party(&page.base).is_some(),
        code: refusal.mark(code),
    };
    page.show_with(refusal.status, shown).await
}

async fn post_code(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let Some((user, half)) = find_half(&page).await? else { return start_over(&page).await };
    match prove(&page, &form, &user).await {
        Ok(way) => finish(&page, &user, &half, way).await,
        Err(error) => show_form(&page, &user, &Refusal::of(error)?).await,
    }
}

async fn prove(page: &PageRequest, form: &CheckedForm, user: &User) -> HubResult<Way> {
    if form.text("ceremony").is_empty() {
        return check_code(&page.app, user, form.text("code")).await;
    }
    passkeys::check_proof(&page.app, page.http(), Kind::SecondFactor, user.pk, &answer_of(form)).await?;
    Ok(Way::PasswordAndPasskey)
}

async fn finish(page: &PageRequest, user: &User, half: &Half, way: Way) -> HubResult<HttpResponse> {
    let secret = secret_of(page).unwrap_or_default();
    // Only the first of two that come at once gets a session.
    if ceremonies::take::<Half>(&page.app, page.http(), Kind::HalfSignIn, &secret).await?.is_none() {
        return start_over(page).await;
    }
    let way = if half.by_provider { Way::OidcAndFactor } else { way };
    let mut response = log_in(page, user, &half.next, way).await?;
    let removal = page.own_cookie(cookie_name(page), String::new(), Duration::ZERO);
    response.add_cookie(&removal).map_err(HubError::internal)?;
    Ok(response)
}

async fn post_challenge(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let Some((user, _)) = find_half(&page).await? else { return start_over(&page).await };
    let challenge = passkeys::begin_proof(&page.app, page.http(), Kind::SecondFactor, user.pk).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(challenge))
}

/// What a form carries that was sent with a passkey.
pub(super) fn answer_of(form: &CheckedForm) -> Answer<'_> {
    Answer { ceremony: form.text("ceremony"), credential: form.exact("credential") }
}

async fn post_passkey_challenge(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let challenge = passkeys::begin_sign_in(&page.app, page.http()).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(challenge))
}

async fn post_passkey(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    refuse_passwords(&page)?;
    match passkeys::sign_in(&page.app, page.http(), &answer_of(&form)).await {
        Ok(user) => log_in(&page, &user, form.text("next"), Way::Passkey).await,
        Err(error) => show_refused(&page, form.text("next"), error).await,
    }
}
