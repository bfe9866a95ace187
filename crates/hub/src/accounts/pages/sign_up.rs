//! `/join/confirm`: where the link in the mail leads that somebody is sent who signs up, and the page that says that it is on its way.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::entry::{log_in, refuse_passwords};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::sign_ups::SignUpRow;
use crate::accounts::sessions::Way;
use crate::accounts::sign_ups;
use crate::error::HubResult;
use crate::flags::Flag;
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Says that a mail is on its way: the same for each address.
#[derive(Debug, Template)]
#[template(path = "accounts/signup_sent.html")]
struct SignupSentPage {
    /// The frame.
    layout: Layout,
    /// The address.
    email: String,
    /// Whether mails reach people, and not a folder.
    sends_mail: bool,
}

/// Asks for the password, and makes the account.
#[derive(Debug, Template)]
#[template(path = "accounts/signup_confirm.html")]
struct SignupConfirmPage {
    /// The frame.
    layout: Layout,
    /// What concerns the whole form.
    error: Option<String>,
    /// The user name.
    name: String,
    /// The mail address.
    email: String,
    /// What the link carries.
    link: String,
    /// The password.
    password: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/join/confirm", crate::web::read().to(show_question)).route("/join/confirm", web::post().to(post_confirm));
}

/// Answers who signed up.
pub(super) async fn show_sent(page: &PageRequest, email: &str) -> HubResult<HttpResponse> {
    let layout = page.layout("Check your mail");
    let sends_mail = page.app.mailer.reaches_people();
    page.show(SignupSentPage { layout, email: email.to_owned(), sends_mail }).await
}

fn question(page: &PageRequest, row: SignUpRow, link: &str, refusal: &Refusal) -> SignupConfirmPage {
    let mut layout = page.layout("Confirm your new account");
    // The address of this page is a secret.
    layout.return_to = String::new();
    let password = Field::new("password", "Password").hint("The one that you chose when you signed up.");
    SignupConfirmPage {
        layout,
        error: refusal.message_elsewhere(&["password"]),
        name: row.name,
        email: row.email,
        link: link.to_owned(),
        password: refusal.mark(password),
    }
}

/// Opening the link changes nothing, because programs open links, too.
async fn show_question(page: PageRequest) -> HubResult<HttpResponse> {
    check_open(&page)?;
    let link = page.query().get("link").unwrap_or_default().to_owned();
    let row = sign_ups::find_asked(&page.app, &link).await?;
    page.show(question(&page, row, &link, &Refusal::default())).await
}

/// Refuses links from before sign-up was closed, or passwords were switched off.
fn check_open(page: &PageRequest) -> HubResult<()> {
    refuse_passwords(page)?;
    page.app.require(Flag::SignUp)
}

async fn post_confirm(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    check_open(&page)?;
    let link = form.text("link");
    match sign_ups::confirm(&page.app, page.http(), link, form.exact("password")).await {
        Ok((user, next)) => log_in(&page, &user, &next, Way::Password).await,
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let row = sign_ups::find_asked(&page.app, link).await?;
            page.show_with(refusal.status, question(&page, row, link, &refusal)).await
        }
    }
}
