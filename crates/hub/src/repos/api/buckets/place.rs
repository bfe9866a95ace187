//! `place`: what the page that uploads files asks when they have arrived. Clients know only `batch`.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use hub_types::Sha256;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::error::HubResult;
use crate::repos::access::RepoWrite;
use crate::repos::api::BUCKET;
use crate::repos::buckets::place::{Sent, place};
use crate::web::extract::Json;

/// How long one answer waits until the files are in chunks; the page asks again.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{BUCKET}/place"), web::post().to(post_place));
}

#[derive(Debug, Deserialize)]
struct PlaceRequest {
    files: Vec<PlacedFile>,
}

#[derive(Debug, Deserialize)]
struct PlacedFile {
    path: String,
    /// Without it the file is empty.
    oid: Option<Sha256>,
}

async fn post_place(app: web::Data<App>, write: RepoWrite, body: Json<PlaceRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    let sent: Vec<Sent> = request.files.into_iter().map(|file| Sent { path: file.path, oid: file.oid }).collect();
    let count = sent.len();
    place(&app, &write, sent, PATIENCE).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "placed": count })))
}
