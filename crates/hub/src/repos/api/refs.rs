//! `refs`, `branch`, `tag` and `super-squash`.

use actix_web::{HttpRequest, HttpResponse, web};
use hub_types::Oid;
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use super::tail::whole_tail;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::access::{RepoRead, RepoWrite};
use crate::repos::branches::{self, NewBranch};
use crate::repos::{queries, reading, squash, tags};
use crate::web::extract::{Json, Query};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/refs"), web::get().to(get_refs))
        .route(&format!("{REPO}/branch/{{tail:.*}}"), web::post().to(post_branch))
        .route(&format!("{REPO}/branch/{{tail:.*}}"), web::delete().to(delete_branch))
        .route(&format!("{REPO}/tag/{{tail:.*}}"), web::post().to(post_tag))
        .route(&format!("{REPO}/tag/{{tail:.*}}"), web::delete().to(delete_tag))
        .route(&format!("{REPO}/super-squash/{{tail:.*}}"), web::post().to(post_super_squash));
}

async fn get_refs(app: web::Data<App>, read: RepoRead, query: Query) -> HubResult<HttpResponse> {
    let refs = queries::list_refs(&app.pool, read.repo.pk).await?;
    let oids: Vec<Oid> = refs.iter().map(|row| row.oid).collect();
    let commits = reading::peel_all(&app, &read.repo, oids).await?;
    let list = |prefix: &str| -> Vec<Value> {
        let rows = refs.iter().zip(&commits).filter_map(|(row, commit)| {
            let name = row.name.as_str().strip_prefix(prefix)?;
            Some(json!({ "name": name, "ref": row.name.as_str(), "targetCommit": commit.as_ref()? }))
        });
        rows.collect()
    };
    let mut answer = json!({
        "branches": list("refs/heads/"),
        "converts": list("refs/convert/"),
        "tags": list("refs/tags/"),
    });
    if query.flag("include_prs") {
        answer["pullRequests"] = Value::from(list("refs/pr/"));
    }
    Ok(HttpResponse::Ok().json(answer))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BranchRequest {
    starting_point: Option<String>,
    empty_branch: bool,
    overwrite: bool,
}

async fn post_branch(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<Option<BranchRequest>>,
) -> HubResult<HttpResponse> {
    let wanted = body.0.unwrap_or_default();
    let new = NewBranch {
        name: whole_tail(&request)?,
        starting_point: wanted.starting_point,
        empty: wanted.empty_branch,
        overwrite: wanted.overwrite,
    };
    branches::create_branch(&app, &write, &new).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn delete_branch(app: web::Data<App>, write: RepoWrite, request: HttpRequest) -> HubResult<HttpResponse> {
    branches::delete_branch(&app, &write, &whole_tail(&request)?).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Deserialize)]
struct TagRequest {
    tag: String,
    message: Option<String>,
}

async fn post_tag(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<TagRequest>,
) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    tags::create_tag(&app, &write, &whole_tail(&request)?, &wanted.tag, wanted.message.as_deref()).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

async fn delete_tag(app: web::Data<App>, write: RepoWrite, request: HttpRequest) -> HubResult<HttpResponse> {
    tags::delete_tag(&app, &write, &whole_tail(&request)?).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

#[derive(Debug, Default, Deserialize)]
struct SquashRequest {
    message: Option<String>,
}

async fn post_super_squash(
    app: web::Data<App>,
    write: RepoWrite,
    request: HttpRequest,
    body: Json<SquashRequest>,
) -> HubResult<HttpResponse> {
    let message = body.0.message.unwrap_or_default();
    let commit = squash::super_squash(&app, &write, &whole_tail(&request)?, &message).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "commitOid": commit })))
}
