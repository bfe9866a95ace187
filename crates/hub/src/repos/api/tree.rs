//! `tree`, `paths-info` and `treesize`.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_git::{Entry, Page, TreeCursor};
use hub_types::{Oid, Sha256, XetHash};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use super::json::TreeRow;
use super::tail::RevisionPath;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;
use crate::repos::access::RepoRead;
use crate::repos::reading::{self, LastCommits};
use crate::scans::{self, FileScan, Mark, Statuses};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{BODY_LIMIT_BYTES, Query, decoded, read_body};
use crate::web::page::{next_link, page_size};

/// Page sizes without and with `expand`.
const PAGE_SIZES: (usize, usize) = (1000, 100);
/// Of how many files it is told what was found in them; of more, only how bad they are.
const MAX_REPORTS: usize = 100;
/// The most paths in one question.
const MAX_PATHS: usize = 2000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/tree/{{tail:.*}}"), web::get().to(get_tree))
        .route(&format!("{REPO}/treesize/{{tail:.*}}"), web::get().to(get_tree_size))
        .route(&format!("{REPO}/paths-info/{{tail:.*}}"), web::post().to(post_paths_info));
}

async fn get_tree(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    let RevisionPath { revision, path } = RevisionPath::of(&request)?;
    let (recursive, expand) = (query.flag("recursive"), query.flag("expand"));
    let most = if expand { PAGE_SIZES.1 } else { PAGE_SIZES.0 };
    let limit = page_size(&query, most, most)?;
    let bad_cursor = || HubError::bad_request("`cursor` is not one that this hub gave.");
    let after = query.get("cursor").map(|text| TreeCursor::decode(text).ok_or_else(bad_cursor)).transpose()?;
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    let list = move |reader: &hub_git::GitReader| match recursive {
        true => reader.walk(commit, &path, after.as_ref(), limit),
        false => reader.list_folder(commit, &path, after.as_ref(), limit),
    };
    let Page { entries, next } = reading::read(&app, &read.repo, list).await?;
    let rows = rows(&app, &read, commit, &entries, expand).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header(next_link(&request, &base, &query, "cursor", &next.encode()));
    }
    Ok(response.json(rows))
}

async fn rows(app: &App, read: &RepoRead, commit: Oid, entries: &[Entry], expand: bool) -> HubResult<Vec<TreeRow>> {
    let barrier = read.barrier(app).await?;
    // For those who may download them: the hashes by which clients find the chunks of large files.
    let chunked = match &barrier {
        None => chunked_files(app, read, entries).await?,
        Some(_) => HashMap::new(),
    };
    let row = |entry: &Entry| TreeRow::of(entry, entry.lfs.as_ref().and_then(|pointer| chunked.get(&pointer.oid)));
    if !expand {
        return Ok(entries.iter().filter_map(row).collect());
    }
    let security = match barrier.is_none() && entries.len() <= MAX_REPORTS {
        true => Security::Reports(scans::statuses(app, read.repo.pk, entries).await?),
        false => Security::Levels(scans::marks(app, read.repo.pk, entries).await?),
    };
    let mut folders: HashMap<&str, Arc<LastCommits>> = HashMap::new();
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folders.contains_key(folder) {
            folders.insert(folder, reading::last_commits(app, &read.repo, commit, folder).await?);
        }
        let last = folders.get(folder).and_then(|commits| commits.get(entry.name()));
        rows.extend(row(entry).map(|row| row.expand(last.map(Arc::as_ref), security.json(entry))));
    }
    Ok(rows)
}

/// What is told of what was found in files.
enum Security {
    Reports(Statuses<FileScan>),
    Levels(Statuses<Mark>),
}

impl Security {
    fn json(&self, entry: &Entry) -> Value {
        match self {
            Self::Reports(known) => known.of(entry).json(),
            Self::Levels(known) => known.of(entry).json(),
        }
    }
}

/// The hashes by which clients find the chunks of large files.
async fn chunked_files(app: &App, read: &RepoRead, entries: &[Entry]) -> HubResult<HashMap<Sha256, XetHash>> {
    let oids: Vec<Sha256> = entries.iter().filter_map(|entry| Some(entry.lfs.as_ref()?.oid)).collect();
    if oids.is_empty() || !read.offers_chunks(app) {
        return Ok(HashMap::new());
    }
    let held = objects::list_held(&app.pool, read.repo.pk, &oids).await?;
    Ok(held.into_iter().filter_map(|(oid, held)| Some((oid, held.file_hash?))).collect())
}

async fn get_tree_size(app: web::Data<App>, read: RepoRead, request: HttpRequest) -> HubResult<HttpResponse> {
    let RevisionPath { revision, path } = RevisionPath::of(&request)?;
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    let size = reading::size(&app, &read.repo, commit, &path).await?;
    Ok(HttpResponse::Ok().json(json!({ "path": format!("/{path}"), "size": size })))
}

/// The body of `paths-info` as JSON.
#[derive(Debug, Default, Deserialize)]
struct PathsRequest {
    paths: Paths,
    #[serde(default)]
    expand: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
    Many(Vec<String>),
}

impl Default for Paths {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

async fn post_paths_info(
    app: web::Data<App>,
    read: RepoRead,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let RevisionPath { revision, .. } = RevisionPath::of(&request)?;
    let (paths, expand) = read_paths(&request, payload.into_inner()).await?;
    if paths.len() > MAX_PATHS {
        return Err(HubError::bad_request(format!("At most {MAX_PATHS} paths can be asked for at once.")));
    }
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    let entries = reading::read(&app, &read.repo, move |reader| reader.entries_at(commit, &paths)).await?;
    Ok(HttpResponse::Ok().json(rows(&app, &read, commit, &entries, expand).await?))
}

/// Python sends a form, JavaScript JSON. Slashes around a path do not count; the root folder is no path.
async fn read_paths(request: &HttpRequest, payload: Payload) -> HubResult<(Vec<String>, bool)> {
    let mut payload = payload;
    let body = read_body(&mut decoded(request, &mut payload), BODY_LIMIT_BYTES).await?;
    let is_json = request.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let (paths, expand) = if is_json {
        let wanted: PathsRequest = serde_json::from_slice(&body)
            .map_err(|error| HubError::bad_request(format!("The JSON body does not fit: {error}")))?;
        let paths = match wanted.paths {
            Paths::One(path) => vec![path],
            Paths::Many(paths) => paths,
        };
        (paths, wanted.expand)
    } else {
        let text = std::str::from_utf8(&body).map_err(|_| HubError::bad_request("The form is not UTF-8."))?;
        let form = Query::parse(text);
        (form.all("paths").map(str::to_owned).collect(), form.flag("expand"))
    };
    let paths = paths.iter().map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty());
    Ok((paths.collect(), expand))
}
