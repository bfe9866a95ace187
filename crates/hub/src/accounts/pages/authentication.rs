//! `/settings/authentication`: authenticator app, passkeys, recovery codes. All that changes something there asks for a fresh proof.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::navigation::SettingsNavigation;
use super::second_factor::answer_of;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::factors::{find_factors, list_passkeys};
use crate::accounts::second_factors::totp::{self, Setup};
use crate::accounts::second_factors::{codes, passkeys};
use crate::accounts::{User, sudo};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

const PATH: &str = "/settings/authentication";
const APP_PATH: &str = "/settings/authentication/app";

/// What an account has besides its password.
#[derive(Debug, Template)]
#[template(path = "accounts/settings_authentication.html")]
pub(super) struct AuthenticationPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// What concerns no field.
    pub error: Option<String>,
    /// Since when there is an authenticator app.
    pub app_since: Option<DateTime<Utc>>,
    /// The passkeys.
    pub passkeys: Vec<PasskeyItem>,
    /// Whether the hub's address allows passkeys.
    pub takes_passkeys: bool,
    /// The name of a new passkey.
    pub name: Field,
    /// How many recovery codes are left.
    pub codes: i32,
    /// When they were made.
    pub codes_made_at: Option<DateTime<Utc>>,
}

/// A passkey in the list.
#[derive(Debug)]
pub(super) struct PasskeyItem {
    /// Its key.
    pub pk: i64,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Sets an authenticator app up.
#[derive(Debug, Template)]
#[template(path = "accounts/authenticator_app.html")]
pub(super) struct AppPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// The secret.
    pub setup: Setup,
    /// A code of the app.
    pub code: Field,
}

/// Shows recovery codes, once.
#[derive(Debug, Template)]
#[template(path = "accounts/recovery_codes.html")]
pub(super) struct CodesPage {
    /// The frame.
    pub layout: Layout,
    /// The other pages.
    pub navigation: SettingsNavigation,
    /// What was achieved.
    pub done: &'static str,
    /// The codes, one a line.
    pub codes: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/authentication", crate::web::read().to(show))
        .route("/settings/authentication/app", crate::web::read().to(show_app))
        .route("/settings/authentication/app", web::post().to(post_app))
        .route("/settings/authentication/app/remove", web::post().to(post_remove_app))
        .route("/settings/authentication/recovery-codes", web::post().to(post_codes))
        .route("/settings/authentication/passkeys", web::post().to(post_passkey))
        .route("/settings/authentication/passkeys/challenge", web::post().to(post_challenge))
        .route("/settings/authentication/passkeys/{pk}/rename", web::post().to(post_rename))
        .route("/settings/authentication/passkeys/{pk}/remove", web::post().to(post_remove_passkey));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    show_all(&page, user, "", &Refusal::default()).await
}

async fn show_all(page: &PageRequest, user: &User, name: &str, refusal: &Refusal) -> HubResult<HttpResponse> {
    let mut conn = page.app.pool.acquire().await?;
    let factors = find_factors(&mut conn, user.pk).await?;
    let rows = list_passkeys(&mut conn, user.pk).await?;
    drop(conn);
    let item = |row: crate::accounts::queries::factors::PasskeyRow| PasskeyItem {
        pk: row.passkey_pk,
        name: row.name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    };
    let shown = AuthenticationPage {
        layout: page.layout("Password and second factors"),
        navigation: SettingsNavigation::new(user, PATH),
        error: refusal.message_elsewhere(&["name"]),
        app_since: factors.app_since,
        passkeys: rows.into_iter().map(item).collect(),
        takes_passkeys: passkeys::relying_party(&page.base).is_some(),
        name: refusal.mark(Field::new("name", "Name").value(name).hint("The device or program that has it.")),
        codes: factors.codes,
        codes_made_at: factors.codes_made_at,
    };
    page.show_with(refusal.status, shown).await
}

async fn show_app(page: PageRequest) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, APP_PATH).await?;
    let session = sudo::session_of(&page)?;
    let setup = totp::begin(&page.app, user, &session, &page.base)?;
    show_setup(&page, user, setup, &Refusal::default()).await
}

async fn show_setup(page: &PageRequest, user: &User, setup: Setup, refusal: &Refusal) -> HubResult<HttpResponse> {
    let shown = AppPage {
        layout: page.layout("Authenticator app"),
        navigation: SettingsNavigation::new(user, PATH),
        setup,
        code: refusal.mark(Field::new("code", "Code").hint("The six digits that the app shows now.")),
    };
    Ok(unkept(page.show_with(refusal.status, shown).await?))
}

/// A page with secrets: no cache keeps it.
fn unkept(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn post_app(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, APP_PATH).await?;
    let session = sudo::session_of(&page)?;
    let setup = totp::go_on(&page.app, user, &session, &page.base, form.text("setup"))?;
    match totp::add(&page.app, user, &session, &setup, form.text("code")).await {
        Ok(codes) => after_addition(&page, user, codes, "Your authenticator app is set up.").await,
        Err(error) => show_setup(&page, user, setup, &Refusal::of(error)?).await,
    }
}

/// Shows the codes that came with a first factor.
async fn after_addition(
    page: &PageRequest,
    user: &User,
    codes: Option<Vec<String>>,
    done: &'static str,
) -> HubResult<HttpResponse> {
    match codes {
        Some(codes) => show_codes(page, user, &codes, done).await,
        None => Ok(page.redirect_saying(PATH, done)),
    }
}

async fn show_codes(page: &PageRequest, user: &User, codes: &[String], done: &'static str) -> HubResult<HttpResponse> {
    let mut layout = page.layout("Recovery codes");
    layout.return_to = String::new();
    let shown = CodesPage { layout, navigation: SettingsNavigation::new(user, PATH), done, codes: codes.join("\n") };
    Ok(unkept(page.show(shown).await?))
}

async fn post_remove_app(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    totp::remove(&page.app, user).await?;
    Ok(page.redirect_saying(PATH, "The authenticator app was removed."))
}

async fn post_codes(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    match codes::renew(&page.app, user).await {
        Ok(codes) => {
            show_codes(&page, user, &codes, "These are your new recovery codes. Those from before do not work any more.").await
        }
        Err(error) => show_all(&page, user, "", &Refusal::of(error)?).await,
    }
}

async fn post_challenge(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    let challenge = passkeys::begin_adding(&page.app, page.http(), user).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(challenge))
}

async fn post_passkey(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    let session = sudo::session_of(&page)?;
    let name = form.text("name");
    match passkeys::add(&page.app, page.http(), user, &session, &answer_of(&form), name).await {
        Ok(codes) => after_addition(&page, user, codes, "The passkey was added.").await,
        Err(error) => show_all(&page, user, name, &Refusal::of(error)?).await,
    }
}

async fn post_rename(page: PageRequest, path: web::Path<i64>, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    passkeys::rename(&page.app, user, path.into_inner(), form.text("name")).await?;
    Ok(page.redirect_saying(PATH, "Passkey renamed."))
}

async fn post_remove_passkey(page: PageRequest, path: web::Path<i64>, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = sudo::require(&page, PATH).await?;
    passkeys::remove(&page.app, user, path.into_inner()).await?;
    Ok(page.redirect_saying(PATH, "The passkey was removed."))
}
