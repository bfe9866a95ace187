//! `/login/new-password`, between a password that was made up for somebody and their session: it asks for one of their own.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::entry::{next_of, show_refused};
use super::oidc::{keep, kept};
use super::second_factor::after_password;
use crate::accounts::first_passwords::{self, Given};
use crate::accounts::oidc::ticket::Purpose;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::{User, passwords};
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;

/// Asks for a password of somebody's own.
#[derive(Debug, Template)]
#[template(path = "accounts/first_password.html")]
struct FirstPasswordPage {
    /// The frame.
    layout: Layout,
    /// What concerns the whole form.
    error: Option<String>,
    /// Whose password.
    name: String,
    /// The new password.
    new_password: Field,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/login/new-password", crate::web::read().to(show)).route("/login/new-password", web::post().to(post));
}

/// Goes on after a right password that was made up.
pub(super) fn ask(page: &PageRequest, user: &User, next: &str) -> HubResult<HttpResponse> {
    let given = Given { user_pk: user.pk, version: user.sign_in_version, next: next_of(next).to_owned() };
    let mut response = page.redirect("/login/new-password");
    keep(page, &mut response, Purpose::FirstPassword, Some(given))?;
    Ok(response)
}

async fn find_given(page: &PageRequest) -> HubResult<Option<(User, Given)>> {
    let Some(given) = kept::<Given>(page, Purpose::FirstPassword) else { return Ok(None) };
    Ok(first_passwords::find(&page.app, &given).await?.map(|user| (user, given)))
}

async fn start_over(page: &PageRequest) -> HubResult<HttpResponse> {
    let error = HubError::bad_request("Log in first, and choose your password within ten minutes.");
    show_refused(page, "/", error).await
}

async fn show(page: PageRequest) -> HubResult<HttpResponse> {
    match find_given(&page).await? {
        Some((user, _)) => show_form(&page, &user, &Refusal::default()).await,
        None => start_over(&page).await,
    }
}

async fn show_form(page: &PageRequest, user: &User, refusal: &Refusal) -> HubResult<HttpResponse> {
    let new_password = Field::new("new_password", "New password").hint(format!("At least {} characters.", passwords::MIN_LEN));
    let mut layout = page.layout("Choose your password");
    layout.return_to = String::new();
    let shown = FirstPasswordPage {
        layout,
        error: refusal.message_elsewhere(&["new_password"]),
        name: user.name.clone(),
        new_password: refusal.mark(new_password),
    };
    page.show_with(refusal.status, shown).await
}

async fn post(page: PageRequest, form: CheckedForm) -> HubResult<HttpResponse> {
    let Some((user, given)) = find_given(&page).await? else { return start_over(&page).await };
    match first_passwords::replace(&page.app, &user, form.exact("new_password")).await {
        Ok(user) => {
            let mut response = after_password(&page, &user, &given.next).await?;
            keep::<Given>(&page, &mut response, Purpose::FirstPassword, None)?;
            Ok(response)
        }
        Err(error) => show_form(&page, &user, &Refusal::of(error)?).await,
    }
}
