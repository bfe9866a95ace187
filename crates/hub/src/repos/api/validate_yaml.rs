//! `POST /api/validate-yaml`: asked before every commit with a README, by anonymous clients too.

use actix_web::{HttpResponse, web};
use hub_types::RepoType;
use serde::Deserialize;

use crate::error::{HubError, HubResult};
use crate::web::extract::Json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/validate-yaml", web::post().to(validate));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidateRequest {
    #[serde(default)]
    content: String,
    repo_type: Option<String>,
}

async fn validate(body: Json<ValidateRequest>) -> HubResult<HttpResponse> {
    let Json(request) = body;
    // Kinds we do not keep (kernels) have the card of a model.
    let repo_type = request.repo_type.and_then(|text| text.parse().ok()).unwrap_or(RepoType::Model);
    let report = web::block(move || hub_cards::validate(&request.content, repo_type)).await.map_err(HubError::from)?;
    let mut response = if report.errors.is_empty() { HttpResponse::Ok() } else { HttpResponse::BadRequest() };
    Ok(response.json(report))
}
