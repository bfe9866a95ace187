//! `/forgot-password` and `/reset-password`, where the link in the mail leads.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::{User, passwords, recovery, throttle};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Asks for a mail address, or says that a mail is on its way.
#[derive(Debug, Template)]
#[template(path = "accounts/forgot_password.html")]
pub(super) struct ForgotPasswordPage {
    /// The frame.
    pub layout: Layout,
    /// The address.
    pub email: Field,
    /// Whether a mail was asked for just now.
    pub asked: bool,
    /// Whether mails reach people, and not a folder.
    pub sends_mail: bool,
}

/// Asks for a new password.
#[derive(Debug, Template)]
#[template(path = "accounts/reset_password.html")]
pub(super) struct ResetPasswordPage {
    /// The frame.
    pub layout: Layout,
    /// Whether the address was confirmed before.
    pub confirmed: bool,
    /// Whose password.
    pub name: String,
    /// What the link carries.
    pub link: String,
    /// The new password.
    pub new_password: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/forgot-password", crate::web::read().to(show_question))
        .route("/forgot-password", web::post().to(post_question))
        .route("/reset-password", crate::web::read().to(show_reset))
        .route("/reset-password", web::post().to(post_reset));
}

fn forgot_page(page: &PageRequest, email: &str, asked: bool, refusal: &Refusal) -> ForgotPasswordPage {
    ForgotPasswordPage {
        layout: page.layout("Forgotten password"),
        email: refusal.mark(Field::new("email", "Email").value(email).hint("The address of your account.")),
        asked,
        sends_mail: page.app.mailer.reaches_people(),
    }
}

async fn show_question(page: PageRequest) -> HubResult<HttpResponse> {
    page.show(forgot_page(&page, "", false, &Refusal::default())).await
}

async fn post_question(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    throttle::count_mail(&page.app, page.http(), None)?;
    let email = form.text("email");
    match recovery::ask(&page.app, email).await {
        Ok(()) => page.show(forgot_page(&page, email, true, &Refusal::default())).await,
        Err(error) => {
            let refusal = Refusal::of(error)?;
            page.show_with(refusal.status, forgot_page(&page, email, false, &refusal)).await
        }
    }
}

/// Opening the link changes nothing, because programs open links, too.
async fn show_reset(page: PageRequest) -> HubResult<HttpResponse> {
    let link = page.query().get("link").unwrap_or_default().to_owned();
    let user = recovery::find_asked(&page.app, &link).await?;
    page.show(reset_page(&page, &user, link, &Refusal::default())).await
}

fn reset_page(page: &PageRequest, user: &User, link: String, refusal: &Refusal) -> ResetPasswordPage {
    let mut layout = page.layout("Choose a new password");
    // The address of this page is a secret.
    layout.return_to = String::new();
    let new_password = Field::new("new_password", "New password").hint(format!("At least {} characters.", passwords::MIN_LEN));
    ResetPasswordPage {
        layout,
        confirmed: user.email_confirmed,
        name: user.name.clone(),
        link,
        new_password: refusal.mark(new_password),
    }
}

async fn post_reset(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let link = form.text("link");
    match recovery::reset(&page.app, link, form.exact("new_password")).await {
        Ok(()) => {
            Ok(page.redirect_saying("/login", "Your password was changed, and all browsers were logged out. Log in with it."))
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let user = recovery::find_asked(&page.app, link).await?;
            page.show_with(refusal.status, reset_page(&page, &user, link.to_owned(), &refusal)).await
        }
    }
}
