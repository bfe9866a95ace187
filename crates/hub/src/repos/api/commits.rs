//! `commits` and `compare`.

use actix_web::{HttpRequest, HttpResponse, web};
use hub_git::LogRange;
use serde_json::Value;

use super::REPO;
use super::json::commit_json;
use super::tail::{RevisionPath, whole_tail};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::reading;
use crate::web::base_url::BaseUrl;
use crate::web::extract::Query;
use crate::web::page::{next_link, page_size};

const PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 1000;
/// The longest comparison, in bytes.
const MAX_COMPARE_BYTES: u64 = 20 * 1024 * 1024;
/// Larger files are compared as if they were binary.
const MAX_COMPARED_FILE_BYTES: u64 = 1024 * 1024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/commits/{{tail:.*}}"), web::get().to(get_commits))
        .route(&format!("{REPO}/compare/{{tail:.*}}"), web::get().to(get_compare));
}

async fn get_commits(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    let RevisionPath { revision, path } = RevisionPath::of(&request)?;
    let limit = page_size(&query, PAGE_SIZE, MAX_PAGE_SIZE)?;
    let page = query.number("p")?.unwrap_or(0);
    let skip = usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(limit);
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    let total = match path.is_empty() {
        true => reading::count_commits(&app, &read.repo, commit).await?,
        false => {
            let path = path.clone();
            reading::read(&app, &read.repo, move |reader| reader.count_commits_of_path(commit, &path)).await?
        }
    };
    let log = move |reader: &hub_git::GitReader| {
        let path = Some(path.as_str()).filter(|path| !path.is_empty());
        reader.log(commit, LogRange { skip, limit, path })
    };
    let commits = reading::read(&app, &read.repo, log).await?;
    let formatted = query.all("expand").any(|what| what == "formatted");
    let rows: Vec<Value> = commits.iter().map(|commit| commit_json(commit, &base, formatted)).collect();
    let mut response = HttpResponse::Ok();
    response.insert_header(("X-Total-Count", total.to_string()));
    let passed = skip.saturating_add(rows.len());
    if !rows.is_empty() && u64::try_from(passed).is_ok_and(|passed| passed < total) {
        response.insert_header(next_link(&request, &base, &query, "p", &(page + 1).to_string()));
    }
    Ok(response.json(rows))
}

/// `A..B` is what changed from A to B; `A...B` is what B changed since the two parted.
async fn get_compare(app: web::Data<App>, read: RepoContent, request: HttpRequest) -> HubResult<HttpResponse> {
    let range = whole_tail(&request)?;
    let malformed = || HubError::bad_request("Name two revisions to compare, as in `main..feature`.");
    let (old, new, since_parting) = match range.split_once("...") {
        Some((old, new)) => (old, new, true),
        None => range.split_once("..").map(|(old, new)| (old, new, false)).ok_or_else(malformed)?,
    };
    let old = reading::resolve(&app, &read.repo, old).await?;
    let new = reading::resolve(&app, &read.repo, new).await?;
    let text = reading::read(&app, &read.repo, move |reader| {
        let parted = if since_parting { reader.merge_base(old, new)? } else { None };
        reader.patch(parted.unwrap_or(old), new, MAX_COMPARE_BYTES, MAX_COMPARED_FILE_BYTES)
    });
    let text = text.await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(text))
}
