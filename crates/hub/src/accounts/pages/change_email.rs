//! `/settings/email`: asks for another mail address; `/change-email`, where the link in the mail leads.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::profile_settings::{Shown, show_refused};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::identities::has_password;
use crate::accounts::{change_email, sign_in, sudo, throttle};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::layout::Layout;

/// The question whether the address is right.
#[derive(Debug, Template)]
#[template(path = "accounts/change_email.html")]
pub(super) struct ChangeEmailPage {
    /// The frame.
    pub layout: Layout,
    /// Whose address.
    pub name: String,
    /// The address.
    pub email: String,
    /// What the link carries.
    pub link: String,
    /// Whether it was changed just now.
    pub done: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/email", web::post().to(post_ask))
        .route("/settings/email/cancel", web::post().to(post_cancel))
        .route("/change-email", crate::web::read().to(show_question))
        .route("/change-email", web::post().to(post_confirm));
}

async fn post_ask(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let email = form.text("email");
    let proved = match has_password(&page.app.pool, user.pk).await? {
        true => sign_in::ask_password(&page.app, page.http(), user, form.exact("current_password")).await,
        false => {
            sudo::require(&page, "/settings/profile").await?;
            Ok(())
        }
    };
    let asked = match proved {
        Ok(()) => {
            throttle::count_mail(&page.app, page.http(), Some(user.pk))?;
            change_email::ask(&page.app, user, email).await
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(()) => {
            Ok(page.redirect_saying("/settings/profile", &format!("A mail is on its way to {email}. Open the link in it.")))
        }
        Err(error) => show_refused(&page, user, error, Shown { email: Some(email), ..Shown::default() }).await,
    }
}

async fn post_cancel(page: PageRequest, _form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    change_email::cancel(&page.app, user).await?;
    Ok(page.redirect_saying("/settings/profile", "Your email address stays as it is."))
}

fn question(page: &PageRequest, name: String, email: String, link: String, done: bool) -> ChangeEmailPage {
    let mut layout = page.layout(if done { "Email address changed" } else { "Confirm your new email address" });
    // The address of this page is a secret.
    layout.return_to = String::new();
    ChangeEmailPage { layout, name, email, link, done }
}

/// Opening the link changes nothing, because programs open links, too.
async fn show_question(page: PageRequest) -> HubResult<HttpResponse> {
    let link = page.query().get("link").unwrap_or_default().to_owned();
    let (user, email) = change_email::find_asked(&page.app, &link).await?;
    page.show(question(&page, user.name, email, link, false)).await
}

async fn post_confirm(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let (user, email) = change_email::confirm(&page.app, form.text("link")).await?;
    page.show(question(&page, user.name, email, String::new(), true)).await
}
