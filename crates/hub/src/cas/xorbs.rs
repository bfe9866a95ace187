//! Xorbs come in.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::tokens::CasWrite;
use super::{check_prefix, hash_of};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::xet::pending::Sender;
use crate::xet::{LEASE, queries, store};

/// `POST /v1/xorb-grants/{prefix}/{hash}`: 200 spares the client the upload. No addresses to upload to are offered (that is
/// 404), since the hub checks xorbs while they pass: docs/adr has the reasons.
pub(super) async fn post_grant(app: web::Data<App>, write: CasWrite, request: HttpRequest) -> HubResult<HttpResponse> {
    check_prefix(&request)?;
    let hash = hash_of(&request)?;
    let wanted = || HubError::not_found("Send this xorb to `/v1/xorbs`.");
    queries::renew_visible(&app.pool, &[hash], Some(write.repo.audience()), LEASE).await?.ok_or_else(wanted)?;
    // One whose bytes were lost is to come again.
    let row = queries::list_xorbs(&app.pool, &[hash]).await?.pop().ok_or_else(wanted)?;
    match store::is_whole(&app, &row).await? {
        true => Ok(HttpResponse::Ok().finish()),
        false => Err(wanted()),
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
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let (repo_pk, namespace_pk) = (write.repo.pk, write.repo.namespace_pk);
    let sender = Sender { repo_pk, namespace_pk, announced: announced.unwrap_or(0) };
    let inserted = store::put_xorb(&app, sender, hash_of(&request)?, payload).await?;
    Ok(HttpResponse::Ok().json(json!({ "was_inserted": inserted })))
}
