//! `/confirm-email/…`: where the link in a mail leads. Opening it changes nothing, because programs open links, too.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::accounts::email::{self, Link};
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::HubResult;
use crate::web::filters;
use crate::web::layout::Layout;

/// The question, or what came of it.
#[derive(Debug, Template)]
#[template(path = "accounts/confirm_email.html")]
pub(super) struct ConfirmEmailPage {
    /// The frame.
    pub layout: Layout,
    /// Whose address.
    pub name: String,
    /// The address.
    pub email: String,
    /// Whether it was confirmed just now.
    pub done: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/settings/confirm-email", web::post().to(post_ask))
        .route("/confirm-email/{user_pk}/{until}/{signature}", crate::web::read().to(show_question))
        .route("/confirm-email/{user_pk}/{until}/{signature}", web::post().to(post_confirm));
}

async fn post_ask(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    email::ask(&page.app, user).await?;
    let next = form.text("next");
    let next = if next.is_empty() { "/settings/profile" } else { next };
    Ok(page.redirect_saying(next, "A mail is on its way to you. Open the link in it."))
}

async fn show_question(page: PageRequest, path: web::Path<(i64, i64, String)>) -> HubResult<HttpResponse> {
    let user = email::find_asked(&page.app, &link(path)).await?;
    let layout = page.layout("Confirm your email address");
    page.show(ConfirmEmailPage { layout, name: user.name, email: user.email, done: false }).await
}

/// Needs no login and no token of a form: only who reads the mail knows the address of this page.
async fn post_confirm(page: PageRequest, path: web::Path<(i64, i64, String)>) -> HubResult<HttpResponse> {
    let user = email::confirm(&page.app, &link(path)).await?;
    let layout = page.layout("Email address confirmed");
    page.show(ConfirmEmailPage { layout, name: user.name, email: user.email, done: true }).await
}

fn link(path: web::Path<(i64, i64, String)>) -> Link {
    let (user_pk, until, signature) = path.into_inner();
    Link { user_pk, until, signature }
}
