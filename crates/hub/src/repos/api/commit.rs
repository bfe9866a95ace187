//! `POST /api/{type}s/{id}/commit/{revision}`.

use actix_web::dev::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{REPO, ndjson};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::access::RepoWrite;
use crate::repos::commit::{NewCommit, create_commit};
use crate::web::base_url::BaseUrl;
use crate::web::extract::{Query, decoded, raw_param};
use crate::web::links::decode_tail;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(&format!("{REPO}/commit/{{revision:.*}}"), web::post().to(post_commit));
}

async fn post_commit(
    app: web::Data<App>,
    request: HttpRequest,
    base: BaseUrl,
    query: Query,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let mut payload: Payload = payload.into_inner();
    let write = RepoWrite::extract(&request).await?;
    if query.flag("create_pr") && query.get("create_pr").is_some() {
        return Err(HubError::new(
            crate::error::ErrorKind::NotImplemented,
            "This hub has no pull requests yet. Commit to a branch of your own instead.",
        ));
    }
    let revision = decode_tail(raw_param(&request, "revision"))
        .map(|segments| segments.join("/"))
        .ok_or_else(|| HubError::revision_not_found("?"))?;
    let mut payload = decoded(&request, &mut payload);
    let body = ndjson::read_commit(&mut payload, app.config.inline_limit_bytes).await?;
    let new = NewCommit {
        revision,
        summary: body.header.summary.unwrap_or_default(),
        description: body.header.description.unwrap_or_default(),
        parent: body.header.parent_commit.filter(|parent| !parent.is_empty()),
        operations: body.operations,
    };
    let commit = create_commit(&app, &write, new).await?;
    Ok(HttpResponse::Ok().json(json!({
        "success": true,
        "commitOid": commit,
        "commitUrl": base.join(&format!("{}/commit/{commit}", write.repo.path())),
        "hookOutput": "",
    })))
}
