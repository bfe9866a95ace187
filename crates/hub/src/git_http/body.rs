use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures::TryStreamExt as _;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::error::{HubError, HubResult};
use crate::web::extract::{decoded, read_body};

/// The longest negotiation of a fetch: some eighty thousand wants and haves.
const MAX_NEGOTIATION_BYTES: usize = 4 * 1024 * 1024;

/// Refuses bodies of another type. A page of another site cannot make a browser send git's types with the
/// viewer's cookies without asking first, so this is also what keeps it from pushing.
pub(super) fn require_type(request: &HttpRequest, expected: &'static str) -> HubResult<()> {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(expected)) {
        return Ok(());
    }
    Err(HubError::bad_request(format!("Send this request as `{expected}`, as git does.")))
}

/// The whole body of a fetch, with its `Content-Encoding` undone.
pub(super) async fn read_negotiation(request: &HttpRequest, payload: web::Payload) -> HubResult<Bytes> {
    let mut payload = decoded(request, &mut payload.into_inner());
    Ok(read_body(&mut payload, MAX_NEGOTIATION_BYTES).await?.freeze())
}

/// The body of a push as a stream, with its `Content-Encoding` undone.
pub(super) fn reader(request: &HttpRequest, payload: web::Payload) -> impl AsyncRead + Unpin + use<> {
    let payload = decoded(request, &mut payload.into_inner());
    StreamReader::new(payload.map_err(std::io::Error::other))
}

/// Starts an answer that nobody may keep, compress or guess the type of.
pub(super) fn answer(content_type: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)))
        .insert_header((header::CACHE_CONTROL, "no-cache, max-age=0, must-revalidate"))
        .insert_header((header::PRAGMA, "no-cache"))
        .insert_header((header::EXPIRES, "Fri, 01 Jan 1980 00:00:00 GMT"))
        .insert_header(ContentEncoding::Identity);
    response
}
