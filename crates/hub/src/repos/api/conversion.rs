//! `/api/models/{id}/convert-weights`: asks for the conversion of weights in a pickle, and how far it is. The hub's own.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::REPO;
use crate::accounts::api::timestamp;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::conversion;
use crate::repos::queries::Repo;
use crate::repos::queries::conversions::Conversion;
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Json, Query};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/convert-weights"), web::get().to(get_conversion))
        .route(&format!("{REPO}/convert-weights"), web::post().to(post_conversion));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    path: String,
    #[serde(default)]
    remove_source: bool,
}

async fn post_conversion(app: web::Data<App>, read: RepoRead, base: BaseUrl, body: Json<Request>) -> HubResult<HttpResponse> {
    let Json(wanted) = body;
    let repo = read.repo.clone();
    let asked = conversion::ask(&app, read, &wanted.path, wanted.remove_source).await?;
    Ok(HttpResponse::Ok().json(conversion_json(&asked, &repo, &base)))
}

async fn get_conversion(app: web::Data<App>, content: RepoContent, base: BaseUrl, query: Query) -> HubResult<HttpResponse> {
    let found = conversion::find(&app, &content, query.get("path").unwrap_or_default()).await?;
    let found = found.ok_or_else(|| {
        HubError::not_found("Nobody has asked for this file to be converted. `path` is the path of a file: ask by POST.")
    })?;
    Ok(HttpResponse::Ok().json(conversion_json(&found, &content.repo, &base)))
}

fn conversion_json(found: &Conversion, repo: &Repo, base: &BaseUrl) -> Value {
    let pull = |num: i64| {
        json!({
            "num": num,
            "status": found.pull.map(|status| status.as_str()),
            "url": base.join(&format!("{}/discussions/{num}", repo.path())),
        })
    };
    json!({
        "path": found.path,
        "state": found.state.as_str(),
        "percent": found.percent(),
        "problem": found.problem,
        "pullRequest": found.num.map(pull),
        "askedAt": timestamp(found.asked_at),
    })
}
