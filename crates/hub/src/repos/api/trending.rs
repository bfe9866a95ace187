//! `GET /api/trending`: what is much liked and downloaded lately.

use actix_web::{HttpResponse, web};
use hub_types::RepoType;
use serde_json::{Map, Value, json};

use super::fields;
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::listing::{ListQuery, Sort, list};
use crate::repos::visibility::visible_to;
use crate::web::extract::Query;
use crate::web::page::page_size;

/// How many there are when nothing is said, and at most.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/trending", web::get().to(list_trending));
}

async fn list_trending(app: web::Data<App>, viewer: Viewer, query: Query) -> HubResult<HttpResponse> {
    let kinds: &[RepoType] = match query.get("type") {
        None | Some("all") => &RepoType::WITH_GIT,
        Some("model") => &[RepoType::Model],
        Some("dataset") => &[RepoType::Dataset],
        Some("space") => &[RepoType::Space],
        Some(_) => return Err(HubError::bad_request("`type` must be `all`, `model`, `dataset` or `space`.")),
    };
    let limit = page_size(&query, DEFAULT_LIMIT, MAX_LIMIT)?;
    let visible = visible_to(&viewer);
    let mut found = Vec::new();
    for kind in kinds {
        let fields = fields::of_list(&query, *kind);
        let columns = fields::columns_for(&fields);
        let wanted = ListQuery { sort: Sort::Trending, limit, columns, ..ListQuery::default() };
        let page = list(&app, *kind, &visible, &wanted).await?;
        found.extend(page.repos.into_iter().map(|repo| (repo.trending, repo, fields.clone())));
    }
    found.sort_by_key(|(score, repo, _)| std::cmp::Reverse((*score, repo.repo_pk)));
    let items = found
        .iter()
        .take(limit)
        .map(|(_, repo, fields)| json!({ "repoData": fields::object(repo, fields, Map::new()), "repoType": repo.repo_type }));
    Ok(HttpResponse::Ok().json(json!({ "recentlyTrending": items.collect::<Vec<Value>>() })))
}
