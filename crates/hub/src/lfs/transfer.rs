//! The bytes themselves, where the hub moves them: everything that S3 does not do alone.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use hub_storage::{Error as StoreError, Expect};
use serde::Deserialize;
use serde_json::json;

use super::LFS_JSON;
use super::links::{Grant, Operation};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::objects;
use crate::objects::receive::{receive, refusal};
use crate::objects::serve::FileAnswer;
use crate::objects::staging;
use crate::recalls;
use crate::web::extract::Json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/lfs/put/{repo}/{oid}", web::put().to(put_object))
        .route("/lfs/part/{repo}/{oid}", web::put().to(put_part))
        .route("/lfs/complete/{repo}/{oid}", web::get().to(show_arrived))
        .route("/lfs/complete/{repo}/{oid}", web::post().to(post_complete))
        .route("/lfs/verify/{repo}/{oid}", web::post().to(post_verify))
        .route("/lfs/get/{repo}/{oid}", web::get().to(get_object))
        .route("/lfs/get/{repo}/{oid}", web::head().to(get_object));
}

async fn put_object(app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Put)?;
    check_length(&request, grant.size)?;
    receive(&app, grant.repo_pk, grant.oid, grant.size, payload).await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, format!("\"{}\"", grant.oid))).finish())
}

/// A wrong length is refused without reading the bytes.
fn check_length(request: &HttpRequest, expected: u64) -> HubResult<()> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(found) if found != expected => Err(refusal(StoreError::SizeMismatch { expected, found })),
        _ => Ok(()),
    }
}

async fn put_part(app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Part)?;
    let upload = grant.upload()?;
    let size = upload.part_size(grant.number);
    check_length(&request, size)?;
    let expect = Expect { sha256: None, size: Some(size), max_size: size };
    let stored = app.store.put_stream(&upload.part_key(grant.number), payload, expect).await.map_err(refusal)?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, format!("\"{}\"", stored.sha256))).finish())
}

/// Which parts need not be sent again: for a browser that goes on with an upload. Its whole may be here already.
async fn show_arrived(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Complete)?;
    let upload = grant.upload()?;
    let held = objects::list_held(&app.pool, grant.repo_pk, &[grant.oid]).await?;
    let parts = match held.contains_key(&grant.oid) {
        true => (1..=upload.part_count()).collect(),
        false => staging::arrived_parts(&app, &upload).await?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type(LFS_JSON)
        .body(json!({ "oid": grant.oid, "parts": parts }).to_string()))
}

#[derive(Debug, Deserialize)]
struct CompleteRequest {
    oid: Option<String>,
    #[serde(default)]
    parts: Vec<CompletedPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompletedPart {
    part_number: u16,
    etag: String,
}

async fn post_complete(app: web::Data<App>, request: HttpRequest, body: Json<CompleteRequest>) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Complete)?;
    let Json(body) = body;
    check_oid(&grant, body.oid.as_deref())?;
    let upload = grant.upload()?;
    let held = objects::list_held(&app.pool, grant.repo_pk, &[grant.oid]).await?;
    if !held.contains_key(&grant.oid) {
        if app.store.presigns_uploads() {
            let etags: Vec<_> = body.parts.into_iter().map(|part| (part.part_number, part.etag)).collect();
            staging::complete_parts(&app, &upload, &etags).await?;
        } else {
            staging::join_parts(&app, &upload).await?;
        }
    }
    Ok(done(&grant))
}

#[derive(Debug, Deserialize)]
struct VerifyRequest {
    oid: Option<String>,
    size: Option<u64>,
}

async fn post_verify(app: web::Data<App>, request: HttpRequest, body: Json<VerifyRequest>) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Verify)?;
    let Json(body) = body;
    check_oid(&grant, body.oid.as_deref())?;
    if body.size.is_some_and(|size| size != grant.size) {
        return Err(HubError::unprocessable("`size` is not that of the upload this address belongs to."));
    }
    let held = objects::list_held(&app.pool, grant.repo_pk, &[grant.oid]).await?;
    let is_here = match held.contains_key(&grant.oid) {
        true => true,
        false if app.store.presigns_uploads() => {
            staging::adopt(&app, grant.repo_pk, grant.oid, Some(grant.size)).await?.is_some()
        }
        false => false,
    };
    match is_here {
        true => Ok(done(&grant)),
        false => Err(HubError::not_found("This object has not been uploaded. Send its bytes, then verify again.")),
    }
}

fn check_oid(grant: &Grant, oid: Option<&str>) -> HubResult<()> {
    match oid {
        Some(oid) if oid != grant.oid.to_hex() => {
            Err(HubError::unprocessable("`oid` is not that of the upload this address belongs to."))
        }
        _ => Ok(()),
    }
}

fn done(grant: &Grant) -> HttpResponse {
    let body = json!({ "oid": grant.oid, "size": grant.size, "success": true });
    HttpResponse::Ok().content_type(LFS_JSON).body(body.to_string())
}

async fn get_object(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    let grant = Grant::of_request(&app, &request, Operation::Get)?;
    recalls::check(&app, grant.repo_pk, Content::Large(grant.oid)).await?;
    let held = objects::find_placement(&app.pool, &grant.oid).await?;
    let held = held.ok_or_else(|| HubError::not_found("This object is no longer in the hub."))?;
    let etag = format!("\"{}\"", grant.oid);
    let answer = FileAnswer {
        size: grant.size,
        etag: &etag,
        content_type: "application/octet-stream",
        disposition: Some("attachment"),
        headers: &[("cache-control", "private, no-transform".to_owned())],
    };
    answer.send_object(&app, &request, &grant.oid, &held).await
}
