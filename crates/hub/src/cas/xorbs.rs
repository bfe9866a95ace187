//! Xorbs come in.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::tokens::CasWrite;
use super::{check_prefix, hash_of};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::xet::{LEASE, queries, store};

/// `POST /v1/xorb-grants/{prefix}/{hash}`: 200 spares the client the upload. No addresses to upload to are offered (that is
/// 404), since the hub checks xorbs while they pass: docs/adr has the reasons.
pub(super) async fn post_grant(app: web::Data<App>, write: CasWrite, request: HttpRequest) -> HubResult<HttpResponse> {
    check_prefix(&request)?;
    let hash = hash_of(&request)?;
    match queries::renew_visible(&app.pool, &[hash], Some(write.repo.audience()), LEASE).await? {
        Some(_) => Ok(HttpResponse::Ok().finish()),
        None => Err(HubError::not_found("Send this xorb to `/v1/xorbs`.")),
    }
}

/// `POST /v1/xorbs/{prefix}/{hash}`.
pub(super) async fn post_xorb(
    app: web::Data<App>,
    write: CasWrite,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    check_prefix(&request)?;
    let inserted = store::put_xorb(&app, write.repo.pk, hash_of(&request)?, payload).await?;
    Ok(HttpResponse::Ok().json(json!({ "was_inserted": inserted })))
}
