//! `/sudo`: asks once more who is there, before a dangerous act, and leads back to its page.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::second_factor::answer_of;
use crate::accounts::page::{CheckedForm, PageRequest, own_path};
use crate::accounts::queries::factors::find_factors;
use crate::accounts::queries::identities::{count_identities, has_password};
use crate::accounts::second_factors::ceremonies::Kind;
use crate::accounts::second_factors::{check_code, passkeys};
use crate::accounts::{User, sign_in, sudo};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Asks once more.
#[derive(Debug, Template)]
#[template(path = "accounts/sudo.html")]
pub(super) struct SudoPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns no field.
    pub error: Option<String>,
    /// Who.
    pub name: String,
    /// Where to go afterwards.
    pub next: String,
    /// What the outside provider is called, if somebody signs in there.
    pub provider: Option<String>,
    /// The password, if the account has one.
    pub password: Option<Field>,
    /// Whether the account has an authenticator app.
    pub has_app: bool,
    /// A code of it.
    pub code: Field,
    /// Whether it has passkeys that work here.
    pub has_passkeys: bool,
}

impl SudoPage {
    /// The button to the provider is the first one if there is no other.
    fn provider_class(&self) -> &'static str {
        let is_only = self.password.is_none() && !self.has_app && !self.has_passkeys;
        if is_only { "button button-primary button-wide" } else { "button button-wide" }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/sudo", crate::web::read().to(show))
        .route("/sudo", web::post().to(post_proof))
        .route("/sudo/challenge", web::post().to(post_challenge));
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let next = page.query().get("next").unwrap_or_default().to_owned();
    show_form(&page, user, &next, &Refusal::default()).await
}

async fn show_form(page: &PageRequest, user: &User, next: &str, refusal: &Refusal) -> HubResult<HttpResponse> {
    let mut conn = page.app.pool.acquire().await?;
    let factors = find_factors(&mut conn, user.pk).await?;
    let provider = match &page.app.config.oidc {
        Some(config) if count_identities(&mut conn, user.pk, &config.issuer).await? > 0 => Some(config.name.clone()),
        _ => None,
    };
    drop(conn);
    let next = own_path(next).unwrap_or("/settings/profile");
    let has_password = has_password(&page.app.pool, user.pk).await?;
    let shown = SudoPage {
        layout: page.layout("Is it you?"),
        error: refusal.message_elsewhere(&["current_password", "code"]),
        name: user.name.clone(),
        next: next.to_owned(),
        provider,
        password: has_password.then(|| refusal.mark(Field::new("current_password", "Password"))),
        has_app: factors.app_since.is_some(),
        code: refusal.mark(Field::new("code", "Code of your authenticator app").hint("In the place of the password.")),
        has_passkeys: factors.passkeys > 0 && passkeys::relying_party(&page.base).is_some(),
    };
    page.show_with(refusal.status, shown).await
}

async fn post_proof(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let next = own_path(form.text("next")).unwrap_or("/settings/profile");
    match prove(&page, user, &form).await {
        Ok(()) => sudo::go_on(&page, next).await,
        Err(error) => show_form(&page, user, next, &Refusal::of(error)?).await,
    }
}

async fn prove(page: &PageRequest, user: &User, form: &CheckedForm) -> HubResult<()> {
    if !form.text("ceremony").is_empty() {
        return passkeys::check_proof(&page.app, page.http(), Kind::Sudo, user.pk, &answer_of(form)).await;
    }
    if !form.text("code").is_empty() {
        return check_code(&page.app, user, form.text("code")).await.map(|_| ());
    }
    if form.exact("current_password").is_empty() {
        return Err(HubError::bad_request("Type your password.").at("current_password"));
    }
    sign_in::ask_password(&page.app, page.http(), user, form.exact("current_password")).await
}

async fn post_challenge(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let challenge = passkeys::begin_proof(&page.app, page.http(), Kind::Sudo, user.pk).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(challenge))
}
