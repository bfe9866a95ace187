//! `lfs-files`: the large files a repository holds, for people who count their storage.

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::{RepoId, RepoType, Sha256, XetHash};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use super::tail::whole_tail;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{RepoContent, RepoWrite};
use crate::repos::lfs_files::{self, StoredFile};
use crate::repos::share_files::{self, WantedFile, share_files};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Json, Query};
use crate::web::page::{next_link, page_size};

const PAGE_SIZE: usize = 1000;
/// The most files that one request deletes.
const MAX_DELETIONS: usize = 1000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/lfs-files"), web::get().to(get_lfs_files))
        .route(&format!("{REPO}/lfs-files/batch"), web::post().to(post_batch))
        .route(&format!("{REPO}/lfs-files/duplicate"), web::post().to(post_duplicate))
        .route(&format!("{REPO}/lfs-files/{{tail:.*}}"), web::delete().to(delete_lfs_file));
}

async fn get_lfs_files(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
) -> HubResult<HttpResponse> {
    let limit = page_size(&query, PAGE_SIZE, PAGE_SIZE)?;
    let skip = usize::try_from(query.number("cursor")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let files = lfs_files::list(&app, &write).await?;
    let branch = format!("refs/heads/{}", write.repo.default_branch);
    let rows: Vec<Value> = files.iter().skip(skip).take(limit).map(|stored| file_json(stored, &branch)).collect();
    let mut response = HttpResponse::Ok();
    if skip.saturating_add(rows.len()) < files.len() && !rows.is_empty() {
        response.insert_header(next_link(&request, &base, &query, "cursor", &(skip + rows.len()).to_string()));
    }
    Ok(response.json(rows))
}

fn file_json(stored: &StoredFile, branch: &str) -> Value {
    let mut row = json!({
        "fileOid": stored.file.blob,
        "filename": stored.file.path,
        "oid": stored.file.pointer.oid,
        "pushedAt": timestamp(stored.pushed_at),
        "size": stored.file.pointer.size,
    });
    if stored.in_head {
        row["ref"] = Value::from(branch);
    }
    row
}

#[derive(Debug, Deserialize)]
struct BatchRequest {
    deletions: Deletions,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deletions {
    sha: Vec<String>,
    #[serde(default)]
    rewrite_history: bool,
}

async fn post_batch(app: web::Data<App>, write: RepoWrite, body: Json<BatchRequest>) -> HubResult<HttpResponse> {
    let Deletions { sha, rewrite_history } = body.0.deletions;
    if sha.len() > MAX_DELETIONS {
        return Err(HubError::bad_request(format!("At most {MAX_DELETIONS} files can be deleted at once.")));
    }
    lfs_files::delete(&app, &write, &sha, rewrite_history).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn delete_lfs_file(app: web::Data<App>, write: RepoWrite, request: HttpRequest, query: Query) -> HubResult<HttpResponse> {
    lfs_files::delete(&app, &write, &[whole_tail(&request)?], query.flag("rewriteHistory")).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct DuplicateRequest {
    target: Target,
    files: Vec<DuplicatedFile>,
}

#[derive(Debug, Deserialize)]
struct Target {
    #[serde(rename = "type")]
    repo_type: RepoType,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DuplicatedFile {
    xet_hash: XetHash,
    sha256: Sha256,
}

/// `POST …/lfs-files/duplicate` of the source: `huggingface_hub` 2.4 sends it before it commits copies from another
/// repository (`HfApi._duplicate_lfs_files`).
async fn post_duplicate(app: web::Data<App>, source: RepoContent, body: Json<DuplicateRequest>) -> HubResult<HttpResponse> {
    let Json(DuplicateRequest { target, files }) = body;
    if files.len() > share_files::MAX_FILES {
        return Err(HubError::bad_request(format!("At most {} files can be copied at once.", share_files::MAX_FILES)));
    }
    let wanted: Vec<_> = files.iter().map(|file| WantedFile { hash: file.xet_hash, oid: file.sha256 }).collect();
    let id: RepoId = target.name.parse()?;
    let failed = share_files(&app, &source, (target.repo_type, &id), &wanted).await?;
    let failed: Vec<Value> = failed.iter().map(|file| json!({ "sha256": file.oid, "error": file.error })).collect();
    Ok(HttpResponse::Ok().json(json!({ "failed": failed })))
}
