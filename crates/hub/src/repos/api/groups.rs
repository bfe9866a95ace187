//! The resource group of a repository: which it is, and moving to another.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BUCKET, REPO};
use crate::accounts::queries::groups::GroupRow;
use crate::app::App;
use crate::error::HubResult;
use crate::repos::access::{RepoAdmin, RepoRead};
use crate::repos::groups;
use crate::web::extract::Json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/resource-group"), web::get().to(get_group))
        .route(&format!("{REPO}/resource-group"), web::post().to(post_group))
        .route(&format!("{BUCKET}/resource-group"), web::get().to(get_group))
        .route(&format!("{BUCKET}/resource-group"), web::post().to(post_group));
}

/// The group, for those who belong to the repository; others are told of none.
pub(super) async fn group_of(app: &App, read: &RepoRead) -> HubResult<Value> {
    if read.repo.resource_group_pk.is_none() || !read.is_shown_as_member() {
        return Ok(Value::Null);
    }
    let group = groups::find(app, &read.repo).await?;
    Ok(group.map_or(Value::Null, |group| group_json(&group)))
}

/// What clients are told of a group.
pub(super) fn group_json(group: &GroupRow) -> Value {
    json!({ "id": group.public_id, "name": group.name, "numUsers": group.members })
}

async fn get_group(app: web::Data<App>, read: RepoRead) -> HubResult<HttpResponse> {
    Ok(HttpResponse::Ok().json(group_of(&app, &read).await?))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(rename = "resourceGroupId")]
    resource_group: Option<String>,
}

async fn post_group(app: web::Data<App>, admin: RepoAdmin, body: Json<Wanted>) -> HubResult<HttpResponse> {
    groups::move_to(&app, &admin, body.0.resource_group.as_deref()).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
