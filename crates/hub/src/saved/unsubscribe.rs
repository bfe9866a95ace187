//! `/saved-searches/{key}/{signature}/unsubscribe`: ends the mails about a search, without a login. Mail programs send a POST of
//! their own (RFC 8058), people press the button of the page.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries::{self, SavedSearch};
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::filters;
use crate::web::layout::Layout;

const PURPOSE: &str = "saved-search-unsubscribe";
const ROUTE: &str = "/saved-searches/{pk}/{signature}/unsubscribe";

/// The question, or what came of it.
#[derive(Debug, Template)]
#[template(path = "saved/unsubscribe.html")]
struct UnsubscribePage {
    layout: Layout,
    /// What the search is called.
    name: String,
    /// Whether the mails have ended.
    done: bool,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(ROUTE, crate::web::read().to(show_question)).route(ROUTE, web::post().to(post_end));
}

/// The path that ends the mails about a search. It works for as long as the search is there.
pub(super) fn path(app: &App, pk: i64) -> String {
    format!("/saved-searches/{pk}/{}/unsubscribe", app.signer.sign(PURPOSE, &pk.to_string()))
}

async fn show_question(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let saved = signed(&page, &path).await?;
    let layout = page.layout("No more mails?");
    page.show(UnsubscribePage { layout, name: saved.name, done: saved.alerts == super::operations::Alerts::Off }).await
}

/// The signature in the path stands for a form's token.
async fn post_end(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let saved = signed(&page, &path).await?;
    queries::end_alerts(&page.app.pool, saved.saved_search_pk).await?;
    let layout = page.layout("No more mails");
    page.show(UnsubscribePage { layout, name: saved.name, done: true }).await
}

async fn signed(page: &PageRequest, path: &(i64, String)) -> HubResult<SavedSearch> {
    let missing = || HubError::not_found("The saved search of this mail is not there any more, so no more mails will come.");
    let (pk, signature) = path;
    if !page.app.signer.verify(PURPOSE, &pk.to_string(), signature) {
        return Err(missing());
    }
    queries::find(&page.app.pool, *pk).await?.ok_or_else(missing)
}
