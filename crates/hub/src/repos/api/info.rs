//! `GET /api/{type}/{id}` and `/revision/{rev}`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_git::EntryKind;
use hub_types::{Oid, RepoType};
use serde_json::{Map, Value, json};

use super::REPO;
use super::fields::{self, Fields};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoRead;
use crate::repos::metadata;
use crate::repos::queries::listing::{ListedRepo, find_listed};
use crate::repos::queries::relations::{self, Used};
use crate::repos::visibility::visible_to;
use crate::repos::{Repo, reading, scanning};
use crate::web::extract::{Query, raw_param};
use crate::web::links::decode_tail;

/// How many entries of the tree are read at once.
const PAGE: usize = 5_000;
/// How long an answer waits for headers that the job has not read yet.
const HEADERS_DEADLINE: Duration = Duration::from_secs(3);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(REPO, web::get().to(show_repo)).route(&format!("{REPO}/revision/{{revision:.*}}"), web::get().to(show_revision));
}

async fn show_repo(app: web::Data<App>, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    info(&app, &read, &query, None).await
}

async fn show_revision(app: web::Data<App>, read: RepoRead, query: Query, request: HttpRequest) -> HubResult<HttpResponse> {
    let revision = decode_tail(raw_param(&request, "revision")).ok_or_else(|| HubError::revision_not_found("?"))?.join("/");
    let commit = reading::resolve(&app, &read.repo, &revision).await?;
    info(&app, &read, &query, Some(commit)).await
}

async fn info(app: &App, read: &RepoRead, query: &Query, commit: Option<Oid>) -> HubResult<HttpResponse> {
    let repo = &read.repo;
    let fields = match fields::expanded(query, repo.repo_type)? {
        Some(fields) => fields,
        None => fields::of_info(repo.repo_type),
    };
    let missing = || HubError::repo_not_found(read.viewer.is_anonymous());
    let columns = fields::columns_for(&fields);
    let mut row = find_listed(&app.pool, repo.pk, columns).await?.ok_or_else(missing)?;
    if fields.iter().any(|field| matches!(*field, "safetensors" | "gguf")) && metadata::awaits_headers(&row) {
        // People ask right after an upload. The job is on its way; whoever is first does the work.
        match tokio::time::timeout(HEADERS_DEADLINE, metadata::read_headers(app, repo.pk)).await {
            Ok(Ok(())) => row = find_listed(&app.pool, repo.pk, columns).await?.ok_or_else(missing)?,
            Ok(Err(error)) => tracing::debug!(?error, "headers could not be read for an answer"),
            Err(_) => tracing::debug!("headers take longer than an answer waits"),
        }
    }
    if let Some(commit) = commit.filter(|commit| row.head_oid != Some(*commit)) {
        show_as_of(app, repo, &mut row, commit).await?;
    }
    let extra = extras(app, read, &row, &fields, query.flag("blobs")).await?;
    let mut body = fields::object(&row, &fields, extra);
    if query.flag("securityStatus") && repo.repo_type == RepoType::Model {
        let (done, issues) = match row.head_oid {
            Some(commit) => scanning::issues_of(app, repo, commit).await?,
            None => (true, json!([])),
        };
        body["securityRepoStatus"] = json!({ "scansDone": done, "filesWithIssues": issues });
    }
    Ok(HttpResponse::Ok().json(body))
}

/// Puts another commit's card and files in the place of the default branch's.
async fn show_as_of(app: &App, repo: &Repo, row: &mut ListedRepo, commit: Oid) -> HubResult<()> {
    let repo_type = repo.repo_type;
    let then = reading::read(app, repo, move |reader| metadata::of_commit(reader, repo_type, commit, None)).await?;
    row.head_oid = Some(commit);
    row.tags = then.tags;
    row.pipeline_tag = then.pipeline_tag;
    row.library_name = then.library_name;
    row.file_count = then.file_count;
    row.size_bytes = then.size_bytes;
    row.card = then.card;
    row.facts = Some(then.facts);
    row.siblings = Some(then.siblings);
    Ok(())
}

/// What takes more than the row: files with their sizes, storage, and who builds on this.
async fn extras(app: &App, read: &RepoRead, row: &ListedRepo, fields: &Fields, blobs: bool) -> HubResult<Map<String, Value>> {
    let has = |name: &str| fields.contains(&name);
    let mut extra = Map::new();
    let stored = row.siblings.as_ref().map_or(0, Vec::len);
    if has("siblings") && (blobs || i64::try_from(stored).unwrap_or_default() < row.file_count) {
        let files = match row.head_oid {
            Some(commit) => all_siblings(app, &read.repo, commit, blobs).await?,
            None => Vec::new(),
        };
        extra.insert("siblings".to_owned(), Value::Array(files));
    }
    if has("resourceGroup") {
        extra.insert("resourceGroup".to_owned(), super::groups::group_of(app, read).await?);
    }
    if has("usedStorage") {
        extra.insert("usedStorage".to_owned(), json!(relations::used_storage(&app.pool, row.repo_pk).await?));
    }
    let ids = match has("spaces") || has("childrenModelCount") {
        true => relations::list_ids(&app.pool, row).await?,
        false => Vec::new(),
    };
    if has("spaces") {
        let spaces = relations::list_spaces_using(&app.pool, &visible_to(&read.viewer), Used::Model, &ids).await?;
        extra.insert("spaces".to_owned(), json!(spaces));
    }
    if has("childrenModelCount") {
        let counts = relations::count_children(&app.pool, &visible_to(&read.viewer), &ids).await?;
        let counts: Map<String, Value> = counts.into_iter().map(|row| (row.relation, json!(row.count))).collect();
        extra.insert("childrenModelCount".to_owned(), Value::Object(counts));
    }
    Ok(extra)
}

async fn all_siblings(app: &App, repo: &Repo, commit: Oid, blobs: bool) -> HubResult<Vec<Value>> {
    let list = reading::read(app, repo, move |reader| {
        let (mut files, mut after) = (Vec::new(), None);
        loop {
            let page = reader.walk(commit, "", after.as_ref(), PAGE)?;
            let is_file = |entry: &&hub_git::Entry| matches!(entry.kind, EntryKind::File | EntryKind::Symlink);
            files.extend(page.entries.iter().filter(is_file).map(|entry| sibling(entry, blobs)));
            after = page.next;
            if after.is_none() {
                return Ok(files);
            }
        }
    });
    list.await
}

fn sibling(entry: &hub_git::Entry, blobs: bool) -> Value {
    if !blobs {
        return json!({ "rfilename": entry.path });
    }
    let mut file = json!({ "rfilename": entry.path, "size": entry.size, "blobId": entry.oid });
    if let Some(pointer) = &entry.lfs {
        file["lfs"] = json!({ "sha256": pointer.oid.to_hex(), "size": pointer.size, "pointerSize": pointer.pointer_size });
    }
    file
}
