//! `/notifications/{user}/{signature}/unsubscribe`: ends the mails about notifications, without a login. Mail programs send a POST
//! of their own (RFC 8058), people press the button of the page.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::watching::{MailTime, end_mails, settings_of};
use crate::accounts::User;
use crate::accounts::page::PageRequest;
use crate::accounts::queries::find_user;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

const PURPOSE: &str = "notifications-unsubscribe";
const ROUTE: &str = "/notifications/{user_pk}/{signature}/unsubscribe";

/// The question, or what came of it.
#[derive(Debug, Template)]
#[template(path = "notifications/unsubscribe.html")]
struct UnsubscribePage {
    layout: Layout,
    /// Whether the mails have ended.
    done: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(ROUTE, crate::web::read().to(show_question)).route(ROUTE, web::post().to(post_end));
}

/// The path that ends the mails to somebody. It works for as long as the account is there.
pub(super) fn path(app: &App, user_pk: i64) -> String {
    format!("/notifications/{user_pk}/{}/unsubscribe", app.signer.sign(PURPOSE, &user_pk.to_string()))
}

async fn show_question(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let user = signed(&page, &path).await?;
    let settings = settings_of(&page.app, &user).await?;
    let done = [settings.mention, settings.participating, settings.watching].iter().all(|time| *time == MailTime::Never);
    let layout = page.layout("No more mails?");
    page.show(UnsubscribePage { layout, done }).await
}

/// The signature in the path stands for a form's token.
async fn post_end(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let user = signed(&page, &path).await?;
    end_mails(&page.app, user.pk).await?;
    let layout = page.layout("No more mails");
    page.show(UnsubscribePage { layout, done: true }).await
}

async fn signed(page: &PageRequest, path: &(i64, String)) -> HubResult<User> {
    let missing = || HubError::not_found("This address ends no mails. Take the whole link from the mail.");
    let (user_pk, signature) = path;
    if !page.app.signer.verify(PURPOSE, &user_pk.to_string(), signature) {
        return Err(missing());
    }
    find_user(&page.app.pool, *user_pk).await?.ok_or_else(missing)
}
