//! A list as an Atom feed: the same address and filters with `.atom`, what changed last first.

use actix_web::{HttpResponse, web};
use hub_search::Sort;
use hub_types::RepoType;

use super::params::Params;
use super::{PAGE_LEN, found_in_index, summaries};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::pages::lists::latest;
use crate::web::atom::{Feed, FeedEntry};
use crate::web::layout::kind_title;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/{repo_type:models|datasets|spaces}.atom", crate::web::read().to(show_feed));
}

async fn show_feed(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    let kind = RepoType::from_plural(&path).ok_or_else(|| HubError::not_found("There is nothing at this address."))?;
    let query = page.query().renamed("task_categories", "pipeline_tag");
    let mut params = Params::read(kind, &query);
    params.page = 0;
    if query.get("sort").is_none() {
        params.sort = Sort::Updated;
    }
    let repos = match page.app.search.is_ready() {
        true => summaries(&page, &found_in_index(&page, &params).await?).await?,
        false => latest(&page.app, &page.viewer, kind, params.author.as_deref(), PAGE_LEN).await?,
    };
    let asked = page.http().query_string();
    let address =
        |path: String| if asked.is_empty() { page.base.join(&path) } else { format!("{}?{asked}", page.base.join(&path)) };
    let entries = repos.iter().map(|repo| FeedEntry {
        title: format!("{}/{}", repo.namespace, repo.name),
        href: page.base.join(&repo.href()),
        tag: repo.updated_at.timestamp_micros().to_string(),
        author: repo.namespace.clone(),
        at: repo.updated_at,
    });
    let feed = Feed {
        title: format!("{} on this hub", kind_title(kind)),
        href: address(format!("/{}.atom", kind.plural())),
        page: address(format!("/{}", kind.plural())),
        entries: entries.collect(),
    };
    Ok(feed.respond())
}
