//! `GET /api/{type}/{id}` and `/revision/{rev}`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::{Oid, RepoType};
use serde_json::{Map, Value, json};

use super::fields::{self, Fields};
use super::{REPO, siblings};
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

/// How long an answer waits for headers that the job has not read yet. Programs that are built for tests are slower.
const HEADERS_DEADLINE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 15 } else { 3 });

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
    let blobs = query.flag("blobs");
    let stored = i64::try_from(row.siblings.as_ref().map_or(0, Vec::len)).unwrap_or_default();
    let unstored = row.head_oid.filter(|_| fields.contains(&"siblings") && (blobs || stored < row.file_count));
    if unstored.is_some() {
        row.siblings = None;
    }
    let extra = extras(app, read, &row, &fields).await?;
    let mut body = fields::object(&row, &fields, extra);
    if query.flag("securityStatus") && repo.repo_type == RepoType::Model {
        let (done, issues) = match row.head_oid {
            Some(commit) => scanning::issues_of(app, repo, commit).await?,
            None => (true, json!([])),
        };
        body["securityRepoStatus"] = json!({ "scansDone": done, "filesWithIssues": issues });
    }
    match unstored {
        Some(commit) => siblings::answer_with(&body, app, repo, commit, blobs).await,
        None => Ok(HttpResponse::Ok().json(body)),
    }
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

/// What takes more than the row: storage, and who builds on this.
async fn extras(app: &App, read: &RepoRead, row: &ListedRepo, fields: &Fields) -> HubResult<Map<String, Value>> {
    let has = |name: &str| fields.contains(&name);
    let mut extra = Map::new();
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
