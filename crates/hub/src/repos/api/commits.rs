//! `commits` and `compare`.

use std::collections::HashSet;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_git::{GitReader, LogRange};
use hub_types::Oid;
use serde_json::Value;

use super::REPO;
use super::json::commit_json;
use super::tail::{RevisionPath, whole_tail};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::{Repo, reading};
use crate::web::base_url::BaseUrl;
use crate::web::extract::Query;
use crate::web::page::{next_link, page_size};

const PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 1000;
/// The longest comparison, in bytes.
const MAX_COMPARE_BYTES: u64 = 20 * 1024 * 1024;
/// Larger files are compared as if they were binary.
const MAX_COMPARED_FILE_BYTES: u64 = 1024 * 1024;
/// Stands in the place of the lines of a file that was recalled.
const RECALLED: &str = "Not shown: this file was recalled.\n";

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
    let parted = match since_parting {
        true => reading::read(&app, &read.repo, move |reader| reader.merge_base(old, new)).await?,
        false => None,
    };
    let text = patch(&app, &read.repo, (parted.unwrap_or(old), new), MAX_COMPARE_BYTES).await??;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(text))
}

/// What differs between two commits, in the form of `git diff`, without the lines of files that were recalled; or that it is longer than
/// `limit`.
///
/// # Errors
/// As [`reading::read`].
pub(super) async fn patch(app: &App, repo: &Repo, (old, new): (Oid, Oid), limit: u64) -> HubResult<hub_git::Result<String>> {
    let withheld = recalled_between(app, repo, (old, new)).await?;
    let patch = move |reader: &GitReader| match reader.patch((old, new), (limit, MAX_COMPARED_FILE_BYTES), (&withheld, RECALLED))
    {
        Err(error @ hub_git::Error::TooLarge { .. }) => Ok(Err(error)),
        other => other.map(Ok),
    };
    reading::read(app, repo, patch).await
}

/// The versions of files that differ between two commits, and were recalled.
async fn recalled_between(app: &App, repo: &Repo, (old, new): (Oid, Oid)) -> HubResult<HashSet<Oid>> {
    if !recalls::any(app) {
        return Ok(HashSet::new());
    }
    let blobs = reading::read(app, repo, move |reader| reader.patched_blobs(old, new)).await?;
    let contents: Vec<Content> = blobs.into_iter().map(Content::Blob).collect();
    let found = recalls::among(app, repo.pk, &contents).await?;
    Ok(found.into_keys().filter_map(|content| if let Content::Blob(oid) = content { Some(oid) } else { None }).collect())
}
