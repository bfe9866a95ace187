//! Sign-up and login.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::first_password;
use super::second_factor::after_password;
use super::sign_up::show_sent;
use crate::accounts::operations::{NewUser, create_user};
use crate::accounts::page::{CheckedForm, PageRequest, own_path};
use crate::accounts::queries::no_users;
use crate::accounts::queries::sessions::delete_session;
use crate::accounts::second_factors::passkeys;
use crate::accounts::sessions::Way;
use crate::accounts::{Auth, User, email, passwords, sessions, sign_in, sign_ups, throttle};
use crate::error::{ErrorKind, HubError, HubResult};
use crate::flags::Flag;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// The page that makes an account.
#[derive(Debug, Template)]
#[template(path = "accounts/signup.html")]
pub(super) struct SignupPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Whether this account will administer the hub.
    pub first_user: bool,
    /// Where to go afterwards.
    pub next: String,
    /// What the outside provider is called, if people can sign in there.
    pub provider: Option<String>,
    /// The user name.
    pub username: Field,
    /// The mail address.
    pub email: Field,
    /// The password.
    pub password: Field,
}

/// The page that opens a session.
#[derive(Debug, Template)]
#[template(path = "accounts/login.html")]
pub(super) struct LoginPage {
    /// The frame.
    pub layout: Layout,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Where to go afterwards.
    pub next: String,
    /// What the outside provider is called, if people can sign in there.
    pub provider: Option<String>,
    /// Whether people sign in nowhere else.
    pub no_passwords: bool,
    /// The user name or mail address.
    pub username: Field,
    /// The password.
    pub password: Field,
    /// Whether the hub's address allows passkeys.
    pub takes_passkeys: bool,
}

/// What those see who may not sign in before they have confirmed their address.
#[derive(Debug, Template)]
#[template(path = "accounts/unconfirmed.html")]
pub(super) struct UnconfirmedPage {
    /// The frame.
    pub layout: Layout,
    /// The address.
    pub email: String,
    /// Whether mails reach people, and not a folder.
    pub sends_mail: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/join", crate::web::read().to(show_signup))
        .route("/join", web::post().to(post_signup))
        .route("/signup", crate::web::read().to(redirect_signup))
        .route("/login", crate::web::read().to(show_login))
        .route("/login", web::post().to(post_login))
        .route("/logout", web::post().to(post_logout));
}

async fn redirect_signup() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header(("Location", "/join")).finish()
}

/// Where to go after logging in: the page that was asked for, if it is ours.
pub(super) fn next_of(text: &str) -> &str {
    own_path(text).unwrap_or("/")
}

/// Takes where to go afterwards along to the other form.
pub(super) fn query_for(next: &str) -> String {
    match next_of(next) {
        "/" => String::new(),
        next => format!("?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
    }
}

impl SignupPage {
    /// The query of the link to the login.
    pub(super) fn other_query(&self) -> String {
        query_for(&self.next)
    }
}

impl LoginPage {
    /// The button to the provider is the first one if there is no other.
    fn provider_class(&self) -> &'static str {
        if self.no_passwords { "button button-primary button-wide" } else { "button button-wide" }
    }

    /// The query of the link to the sign-up.
    pub(super) fn other_query(&self) -> String {
        query_for(&self.next)
    }
}

async fn show_signup(page: PageRequest) -> HubResult<HttpResponse> {
    let next = page.query().get("next").unwrap_or("/").to_owned();
    if page.viewer.user.is_some() {
        return Ok(page.redirect(next_of(&next)));
    }
    if sign_in::passwords_are_off(&page.app) {
        return Ok(page.redirect(&format!("/login{}", query_for(&next))));
    }
    if page.app.config.oidc.is_none() {
        page.app.require(Flag::SignUp)?;
    }
    let shown = signup_page(&page, "", "", &next, Refusal::default()).await?;
    page.show(shown).await
}

async fn signup_page(page: &PageRequest, name: &str, email: &str, next: &str, refusal: Refusal) -> HubResult<SignupPage> {
    let first_user = no_users(&mut *page.app.pool.acquire().await?).await?;
    let mut username = Field::new("username", "Username").value(name).hint("Part of the address of all you publish.");
    // The operation knows it as the namespace's name.
    username.error = refusal.message_at("name");
    Ok(SignupPage {
        layout: page.layout("Sign up"),
        error: refusal.message_elsewhere(&["name", "email", "password"]),
        first_user,
        next: next.to_owned(),
        provider: provider_of(page),
        username,
        email: refusal.mark(Field::new("email", "Email").value(email)),
        password: refusal.mark(Field::new("password", "Password").hint(format!("At least {} characters.", passwords::MIN_LEN))),
    })
}

/// What the outside provider is called, if people can sign in there.
fn provider_of(page: &PageRequest) -> Option<String> {
    page.app.config.oidc.as_ref().map(|provider| provider.name.clone())
}

pub(super) fn refuse_passwords(page: &PageRequest) -> HubResult<()> {
    match &page.app.config.oidc {
        Some(provider) if provider.only => {
            Err(HubError::forbidden(format!("Passwords are switched off on this hub: sign in with {}.", provider.name)))
        }
        _ => Ok(()),
    }
}

async fn post_signup(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let (name, email, next) = (form.text("username"), form.text("email"), form.text("next"));
    refuse_passwords(&page)?;
    page.app.require(Flag::SignUp)?;
    throttle::count_sign_up(&page.app, page.http())?;
    let new = NewUser {
        name: name.to_owned(),
        email: email.to_owned(),
        password: form.exact("password").to_owned(),
        fullname: String::new(),
        is_admin: false,
    };
    let signed_up = if sign_ups::go_by_mail(&page.app).await? {
        sign_ups::ask(&page.app, &new, next_of(next)).await.map(|()| None)
    } else {
        create_user(&page.app, &new).await.map(Some)
    };
    match signed_up {
        Ok(None) => show_sent(&page, email).await,
        Ok(Some(user)) => {
            // Where mails only fill a folder, nobody is asked without need.
            if page.app.mailer.reaches_people() && !sign_in::must_confirm(&page.app, &user) {
                email::ask(&page.app, &user).await?;
            }
            log_in(&page, &user, next, Way::Password).await
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let status = refusal.status;
            let shown = signup_page(&page, name, email, next, refusal).await?;
            page.show_with(status, shown).await
        }
    }
}

/// Starts a session, however somebody proved who they are.
pub(super) async fn log_in(page: &PageRequest, user: &User, next: &str, way: Way) -> HubResult<HttpResponse> {
    if sign_in::must_confirm(&page.app, user) {
        return show_unconfirmed(page, user).await;
    }
    let cookies = sessions::start(&page.app, user, &page.base, page.http(), way).await?;
    let mut response = page.redirect(next_of(next));
    for cookie in &cookies {
        response.add_cookie(cookie).map_err(HubError::internal)?;
    }
    Ok(response)
}

/// Asks for the address to be confirmed, unless that was done a moment ago.
async fn show_unconfirmed(page: &PageRequest, user: &User) -> HubResult<HttpResponse> {
    match email::ask(&page.app, user).await {
        Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
        _ => {}
    }
    let layout = page.layout("Confirm your email address");
    let sends_mail = page.app.mailer.reaches_people();
    page.show(UnconfirmedPage { layout, email: user.email.clone(), sends_mail }).await
}

async fn show_login(page: PageRequest) -> HubResult<HttpResponse> {
    let next = page.query().get("next").unwrap_or("/").to_owned();
    if page.viewer.user.is_some() {
        return Ok(page.redirect(next_of(&next)));
    }
    let shown = login_page(&page, "", &next, None);
    page.show(shown).await
}

fn login_page(page: &PageRequest, name: &str, next: &str, error: Option<String>) -> LoginPage {
    LoginPage {
        layout: page.layout("Log in"),
        error,
        next: next.to_owned(),
        provider: provider_of(page),
        no_passwords: sign_in::passwords_are_off(&page.app),
        username: Field::new("username", "Username").value(name).hint("Or the email address of your account."),
        password: Field::new("password", "Password"),
        takes_passkeys: !sign_in::passwords_are_off(&page.app) && passkeys::relying_party(&page.base).is_some(),
    }
}

/// Shows the form again with what was wrong with a passkey.
///
/// # Errors
/// The error itself, when it is not about what was sent.
pub(super) async fn show_refused(page: &PageRequest, next: &str, error: HubError) -> HubResult<HttpResponse> {
    let refusal = Refusal::of(error)?;
    let shown = login_page(page, "", next, refusal.message_elsewhere(&[]));
    page.show_with(refusal.status, shown).await
}

async fn post_login(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    refuse_passwords(&page)?;
    let name = form.text("username");
    match sign_in::find_known(&page.app, page.http(), name, form.exact("password")).await? {
        Some(known) if known.must_change => first_password::ask(&page, &known.user, form.text("next")),
        Some(known) => after_password(&page, &known.user, form.text("next")).await,
        None => {
            let shown = login_page(&page, name, form.text("next"), Some("This name and password do not match.".to_owned()));
            page.show_with(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
    }
}

async fn post_logout(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    if let Auth::Session { session_hash } = &page.viewer.auth {
        delete_session(&page.app.pool, session_hash).await?;
    }
    let mut response = page.redirect("/");
    response.add_cookie(&sessions::removal(&page.base)).map_err(HubError::internal)?;
    // Whoever comes to this browser next does not go back to what was shown.
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    Ok(response)
}
