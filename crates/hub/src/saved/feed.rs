//! `/saved-searches/{key}/{signature}/feed.atom` and `feed.json`: what a saved search finds, for feed readers, which do not log in.
//! Whoever has the address may be anybody, so it shows only what everybody may see; its owner gives it another address to end it.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use hub_search::{SearchQuery, Visible};

use super::fresh;
use super::queries::{self, SavedSearch};
use crate::accounts::Viewer;
use crate::accounts::page::PageRequest;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::listing::{self, Columns};
use crate::repos::pages::view::RepoSummary;
use crate::web::atom::{Feed, FeedEntry};

/// How many entries a feed has.
const ENTRIES: usize = 50;
const PURPOSE: &str = "saved-search-feed";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/saved-searches/{pk}/{signature}/feed.atom", crate::web::read().to(show_atom))
        .route("/saved-searches/{pk}/{signature}/feed.json", crate::web::read().to(show_json));
}

/// The path of a search's feed, without its ending: `.atom` or `.json`.
pub(super) fn path(app: &App, saved: &SavedSearch) -> String {
    format!("/saved-searches/{}/{}/feed", saved.saved_search_pk, app.signer.sign(PURPOSE, &signed(saved)))
}

fn signed(saved: &SavedSearch) -> String {
    format!("{} {}", saved.saved_search_pk, saved.feed_number)
}

async fn show_atom(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let (pk, signature) = path.into_inner();
    Ok(unlisted(feed(&page, pk, &signature).await?.respond()))
}

async fn show_json(page: PageRequest, path: web::Path<(i64, String)>) -> HubResult<HttpResponse> {
    let (pk, signature) = path.into_inner();
    Ok(unlisted(feed(&page, pk, &signature).await?.respond_json()))
}

/// Keeps an answer out of search engines.
fn unlisted(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}

async fn feed(page: &PageRequest, pk: i64, signature: &str) -> HubResult<Feed> {
    let found = queries::find(&page.app.pool, pk).await?;
    let saved = found.filter(|saved| page.app.signer.verify(PURPOSE, &signed(saved), signature));
    let saved =
        saved.ok_or_else(|| HubError::not_found("There is no feed at this address. It may have been given another one."))?;
    let question = SearchQuery { limit: ENTRIES, ..saved.filter().question(&Viewer::ANONYMOUS, Visible::Public) };
    let found = fresh::find(&page.app, question).await?;
    let rows = listing::by_keys(&page.app, &Viewer::ANONYMOUS, &found.repo_pks, Columns::default()).await?;
    let entries = rows.into_iter().map(|row| {
        let at = row.created_at;
        let repo = RepoSummary::from(row);
        FeedEntry {
            title: format!("{}/{}", repo.namespace, repo.name),
            href: page.base.join(&repo.href()),
            tag: "new".to_owned(),
            author: repo.namespace,
            at,
        }
    });
    Ok(Feed {
        title: saved.name.clone(),
        href: page.base.join(page.path()),
        page: page.base.join(&saved.href()),
        entries: entries.collect(),
    })
}
