//! A list as a feed: the same address and filters with `.atom` or `.json`, what changed last first.

use actix_web::{HttpResponse, web};
use hub_search::{SearchQuery, Sort};
use hub_types::RepoType;

use super::params::Params;
use super::{PAGE_LEN, question, summaries};
use crate::accounts::page::PageRequest;
use crate::error::{HubError, HubResult};
use crate::repos::pages::lists::latest;
use crate::web::atom::{Feed, FeedEntry};
use crate::web::layout::kind_title;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/{repo_type:models|datasets|spaces}.atom", crate::web::read().to(show_atom))
        .route("/{repo_type:models|datasets|spaces}.json", crate::web::read().to(show_json));
}

async fn show_atom(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    Ok(feed(&page, &path, "atom").await?.respond())
}

async fn show_json(page: PageRequest, path: web::Path<String>) -> HubResult<HttpResponse> {
    Ok(feed(&page, &path, "json").await?.respond_json())
}

async fn feed(page: &PageRequest, plural: &str, ending: &str) -> HubResult<Feed> {
    let kind = RepoType::from_plural(plural).ok_or_else(|| HubError::not_found("There is nothing at this address."))?;
    let query = page.query().renamed("task_categories", "pipeline_tag");
    let mut params = Params::read(kind, &query);
    if query.get("sort").is_none() {
        params.sort = Sort::Updated;
    }
    let repos = match page.app.search.is_ready() {
        true => {
            let asked = SearchQuery { limit: PAGE_LEN, ..question(page, &params) };
            summaries(page, &page.app.search.search(asked).await?).await?
        }
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
    Ok(Feed {
        title: format!("{} on this hub", kind_title(kind)),
        href: address(format!("/{}.{ending}", kind.plural())),
        page: address(format!("/{}", kind.plural())),
        entries: entries.collect(),
    })
}
