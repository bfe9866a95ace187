//! Addresses of stored bytes: each opens one range of one xorb, until it expires. With S3 they lead there.
//!
//! A whole xorb would be too much: files of different people share xorbs, and a reader of one may read only its chunks.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt as _;
use hub_storage::StorageKey;
use hub_types::XetHash;

use super::telemetry::{Transfer, watched};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::extract::raw_param;
use crate::web::streaming;

const PURPOSE: &str = "xet-data";
/// How long an address works: for the largest block a client asks for, on a slow line.
const VALID: Duration = Duration::from_secs(3600);

/// Makes the address of the stored bytes `first..=last` of a xorb.
///
/// # Errors
/// The store cannot sign.
pub(super) fn address(app: &App, store_url: &str, hash: &XetHash, nonce: i64, first: u32, last: u32) -> HubResult<String> {
    let key = StorageKey::xorb(hash, nonce);
    if app.store.presigns_ranges() {
        return Ok(app.store.presign_range(&key, VALID, &format!("bytes={first}-{last}"))?.into());
    }
    let expires = crate::clock::now().timestamp() + i64::try_from(VALID.as_secs()).unwrap_or_default();
    let text = format!("{hash}.{nonce:016x}/{first}-{last}?expires={expires}");
    let signature = app.signer.sign(PURPOSE, &text);
    Ok(format!("{store_url}/data/{text}&sig={signature}"))
}

/// `GET /xet/data/{xorb}/{range}`: what [`address`] leads to where the store signs no ranges. Whatever is wrong with an address is a 403,
/// upon which clients ask for a new one.
pub(super) async fn get_range(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    let (xorb, range) = (raw_param(&request, "xorb"), raw_param(&request, "range"));
    let query = request.query_string();
    let (signed, signature) = query.rsplit_once("&sig=").ok_or_else(bad_address)?;
    if !app.signer.verify(PURPOSE, &format!("{xorb}/{range}?{signed}"), signature) {
        return Err(bad_address());
    }
    let expires = signed.strip_prefix("expires=").and_then(|text| text.parse::<i64>().ok());
    if expires.is_none_or(|at| at < crate::clock::now().timestamp()) {
        return Err(HubError::forbidden("This address has expired. Ask for the file's reconstruction again."));
    }
    let asked = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    if asked.is_some_and(|asked| asked != format!("bytes={range}")) {
        return Err(HubError::forbidden(format!("This address opens the bytes {range} and no others.")));
    }
    let (hash, nonce) = xorb.split_once('.').ok_or_else(bad_address)?;
    let (first, last) = range.split_once('-').ok_or_else(bad_address)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad_address());
    let (first, last) = (number(first)?, number(last)?);
    let nonce = i64::from_str_radix(nonce, 16).map_err(|_| bad_address())?;
    let key = StorageKey::xorb(&hash.parse().map_err(|_| bad_address())?, nonce);
    let object = app.store.get_stream(&key, Some(first..last + 1)).await?;
    let bytes = object.range.end - object.range.start;
    let transfer = Transfer::begin(&app, &request);
    let stream = watched(transfer, bytes, object.stream.map(|part| part.map_err(HubError::from)).boxed());
    Ok(HttpResponse::PartialContent()
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", object.size)))
        .insert_header((header::CACHE_CONTROL, "private, no-store, no-transform"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(streaming::body(bytes, stream)))
}

fn bad_address() -> HubError {
    HubError::forbidden("This address was not made by the hub, or it was changed. Ask for the file's reconstruction again.")
}
