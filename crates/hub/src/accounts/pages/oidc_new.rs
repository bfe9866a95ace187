//! `/login/oidc/join` and `/login/oidc/link`: what somebody sees whom the provider knows and the hub does not.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::entry::log_in;
use super::oidc::{keep, kept};
use super::second_factor::after_password;
use crate::accounts::oidc::ticket::Purpose;
use crate::accounts::oidc::{Newcomer, config_of, operations, start_again};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::second_factors::has_any;
use crate::accounts::sessions::Way;
use crate::accounts::{User, sign_in, throttle};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Where to link, once somebody has logged in with all factors.
const LINK: &str = "/login/oidc/link";

/// Makes an account.
#[derive(Debug, Template)]
#[template(path = "accounts/oidc_join.html")]
struct JoinPage {
    /// The frame.
    layout: Layout,
    /// What concerns the whole form.
    error: Option<String>,
    /// What the provider is called.
    provider: String,
    /// What it calls the person.
    label: String,
    /// The mail address, if the provider has confirmed it.
    confirmed: Option<String>,
    /// Whether people have passwords here.
    has_passwords: bool,
    /// The user name.
    username: Field,
    /// The mail address.
    email: Field,
}

/// Links an account that is here already.
#[derive(Debug, Template)]
#[template(path = "accounts/oidc_link.html")]
struct LinkPage {
    /// The frame.
    layout: Layout,
    /// What concerns the whole form.
    error: Option<String>,
    /// What the provider is called.
    provider: String,
    /// What it calls the person.
    label: String,
    /// The account here.
    name: String,
    /// Its password.
    current_password: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/login/oidc/join", crate::web::read().to(show_join))
        .route("/login/oidc/join", web::post().to(post_join))
        .route("/login/oidc/link", crate::web::read().to(show_link))
        .route("/login/oidc/link", web::post().to(post_link));
}

/// Who has come, unless that was too long ago.
fn newcomer(page: &PageRequest) -> HubResult<Newcomer> {
    config_of(&page.app)?;
    kept(page, Purpose::Newcomer).ok_or_else(start_again)
}

async fn show_join(page: PageRequest) -> HubResult<HttpResponse> {
    let newcomer = newcomer(&page)?;
    let name = operations::propose_name(&page.app, &newcomer.identity).await?;
    let email = newcomer.identity.email.clone().unwrap_or_default();
    let shown = join_page(&page, &newcomer, &name, &email, Refusal::default())?;
    page.show(shown).await
}

fn join_page(page: &PageRequest, newcomer: &Newcomer, name: &str, email: &str, refusal: Refusal) -> HubResult<JoinPage> {
    let config = config_of(&page.app)?;
    let mut username = Field::new("username", "Username").value(name).hint("Part of the address of all you publish.");
    username.error = refusal.message_at("name");
    let confirmed = newcomer.identity.verified_email().map(str::to_owned);
    let fields: &[&str] = if confirmed.is_some() { &["name"] } else { &["name", "email"] };
    Ok(JoinPage {
        layout: page.layout("Create your account"),
        error: refusal.message_elsewhere(fields),
        provider: config.name.clone(),
        label: newcomer.identity.label().to_owned(),
        confirmed,
        has_passwords: !config.only,
        username,
        email: refusal.mark(Field::new("email", "Email").value(email)),
    })
}

async fn post_join(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let newcomer = newcomer(&page)?;
    throttle::count_sign_up(&page.app, page.http())?;
    let (name, email) = (form.text("username"), form.text("email"));
    match operations::join(&page.app, &newcomer.identity, name, email).await {
        Ok(user) => {
            let mut response = log_in(&page, &user, &newcomer.next, Way::Oidc).await?;
            keep::<Newcomer>(&page, &mut response, Purpose::Newcomer, None)?;
            Ok(response)
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let status = refusal.status;
            let shown = join_page(&page, &newcomer, name, email, refusal)?;
            page.show_with(status, shown).await
        }
    }
}

/// The account to link: of who is logged in, else the one with the same mail address.
async fn account_of(page: &PageRequest, newcomer: &Newcomer) -> HubResult<User> {
    if let Ok(user) = page.require_session() {
        return Ok(user.clone());
    }
    let found = operations::find_same_email(&page.app, &newcomer.identity).await?;
    found.ok_or_else(|| {
        HubError::not_found("There is no account to link. Log in at /login first, and start again in your settings.")
    })
}

/// A password alone does not open an account with a second factor, so it links nothing to it either.
async fn must_log_in(page: &PageRequest, user: &User) -> HubResult<bool> {
    Ok(page.require_session().is_err() && has_any(&page.app, user.pk).await?)
}

async fn show_link(page: PageRequest) -> HubResult<HttpResponse> {
    let newcomer = newcomer(&page)?;
    let user = account_of(&page, &newcomer).await?;
    let shown = link_page(&page, &newcomer, &user, None)?;
    page.show(shown).await
}

fn link_page(page: &PageRequest, newcomer: &Newcomer, user: &User, refusal: Option<Refusal>) -> HubResult<LinkPage> {
    let refusal = refusal.unwrap_or_default();
    Ok(LinkPage {
        layout: page.layout("Link your account"),
        error: refusal.message_elsewhere(&["current_password"]),
        provider: config_of(&page.app)?.name.clone(),
        label: newcomer.identity.label().to_owned(),
        name: user.name.clone(),
        current_password: refusal.mark(Field::new("current_password", "Password").hint("Of your account on this hub.")),
    })
}

async fn post_link(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let newcomer = newcomer(&page)?;
    let user = account_of(&page, &newcomer).await?;
    let linked = match sign_in::ask_password(&page.app, page.http(), &user, form.exact("current_password")).await {
        // Also where passwords are switched off: it is the only way to a first link.
        Ok(()) if must_log_in(&page, &user).await? => return after_password(&page, &user, LINK).await,
        Ok(()) => operations::link(&page.app, &user, &newcomer.identity).await,
        Err(error) => Err(error),
    };
    if let Err(error) = linked {
        let refusal = Refusal::of(error)?;
        let shown = link_page(&page, &newcomer, &user, Some(refusal))?;
        return page.show_with(StatusCode::UNPROCESSABLE_ENTITY, shown).await;
    }
    let mut response = match page.require_session() {
        Ok(_) => page.redirect_saying(&newcomer.next, &format!("{} is linked to your account.", newcomer.identity.label())),
        Err(_) => log_in(&page, &user, &newcomer.next, Way::Oidc).await?,
    };
    keep::<Newcomer>(&page, &mut response, Purpose::Newcomer, None)?;
    Ok(response)
}
