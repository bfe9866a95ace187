//! Bytes on their way out: whole or in a range, streamed, with their length known. Nothing here asks who may read.

use std::ops::Range;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use hub_storage::{PresignedGet, StorageKey};
use hub_types::Sha256;

use super::{Held, read};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::range::{Wanted, wanted};
use crate::web::streaming;

/// How long a presigned URL for a download works. A client that resumes asks the hub for a new one.
const PRESIGNED_FOR: Duration = Duration::from_secs(3600);

/// A file about to be sent.
#[derive(Debug, Clone)]
pub struct FileAnswer<'a> {
    /// Its size in bytes.
    pub size: u64,
    /// Its etag, with quotes.
    pub etag: &'a str,
    /// Its content type.
    pub content_type: &'a str,
    /// How browsers treat it and what they call it.
    pub disposition: Option<&'a str>,
    /// More headers.
    pub headers: &'a [(&'static str, String)],
}

impl FileAnswer<'_> {
    /// The answer, if none of the file's bytes are in it: to `HEAD`, or when the client has the file already.
    pub fn without_bytes(&self, request: &HttpRequest) -> Option<HttpResponse> {
        self.not_modified(request).or_else(|| (request.method() == Method::HEAD).then(|| self.head()))
    }

    fn head(&self) -> HttpResponse {
        let mut response = self.start(StatusCode::OK);
        response.body(SizedStream::new(self.size, stream::empty::<Result<Bytes, actix_web::Error>>()))
    }

    fn not_modified(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let tags = request.headers().get(header::IF_NONE_MATCH)?.to_str().ok()?;
        let same = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag;
        tags.split(',').any(|tag| same(tag.trim())).then(|| self.start(StatusCode::NOT_MODIFIED).finish())
    }

    /// Decides by the `Range` header what part is sent; the rest of the answer is ready when nothing is.
    fn part(&self, request: &HttpRequest) -> Result<(StatusCode, Range<u64>), Box<HttpResponse>> {
        if self.size == 0 {
            // JavaScript's client asks for `bytes=0-0` of every file and reads the size behind the slash.
            let mut response = self.start(StatusCode::OK);
            response.insert_header((header::CONTENT_RANGE, "bytes */0"));
            return Err(Box::new(response.body(Bytes::new())));
        }
        match wanted(request.headers(), self.size, self.etag) {
            Wanted::Whole => Ok((StatusCode::OK, 0..self.size)),
            Wanted::Part(range) => Ok((StatusCode::PARTIAL_CONTENT, range)),
            Wanted::Outside => {
                let mut response = self.start(StatusCode::RANGE_NOT_SATISFIABLE);
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{}", self.size)));
                Err(Box::new(response.finish()))
            }
        }
    }

    /// Sends a file that is in memory.
    pub fn send_bytes(&self, request: &HttpRequest, bytes: &Bytes) -> HttpResponse {
        let (status, range) = match self.part(request) {
            Ok(part) => part,
            Err(ready) => return *ready,
        };
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(bytes.len());
        let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
        self.start_part(status, &range).body(bytes.slice(start..end))
    }

    /// Sends an object: streams it, or sends the client to the service where it lies whole.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn send_object(&self, app: &App, request: &HttpRequest, oid: &Sha256, held: &Held) -> HubResult<HttpResponse> {
        if let Some(ready) = self.without_bytes(request) {
            return Ok(ready);
        }
        let (status, range) = match self.part(request) {
            Ok(part) => part,
            Err(ready) => return Ok(*ready),
        };
        let may_leave = app.store.presigns_reads() && !is_shown_by_page(request);
        let may_leave = may_leave && (app.store.reads_suffixes() || !wants_suffix(request));
        if let Some(key) = held.plain_key(oid).filter(|_| may_leave) {
            let answer = PresignedGet { content_disposition: self.disposition, content_type: Some(self.content_type) };
            let url = app.store.presign_get(&key, PRESIGNED_FOR, &answer).await?;
            let mut response = self.start(StatusCode::FOUND);
            // The URL is for this moment and this client.
            response.insert_header((header::CACHE_CONTROL, "private, no-store"));
            return Ok(response.insert_header((header::LOCATION, url.as_str())).finish());
        }
        let stream = read::stream(app, oid, held, range.clone()).await?;
        Ok(self.start_part(status, &range).body(streaming::body(range.end - range.start, stream)))
    }

    /// Sends what lies in the store under a key of its own, always from here.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn send_stored(&self, app: &App, request: &HttpRequest, key: &StorageKey) -> HubResult<HttpResponse> {
        if let Some(ready) = self.without_bytes(request) {
            return Ok(ready);
        }
        let (status, range) = match self.part(request) {
            Ok(part) => part,
            Err(ready) => return Ok(*ready),
        };
        let object = app.store.get_stream(key, Some(range.clone())).await?;
        let stream = object.stream.map_err(HubError::from);
        Ok(self.start_part(status, &range).body(streaming::body(range.end - range.start, stream)))
    }

    fn start(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response.insert_header((header::ETAG, self.etag));
        response.insert_header((header::ACCEPT_RANGES, "bytes"));
        response.insert_header((header::CONTENT_TYPE, self.content_type));
        if let Some(disposition) = self.disposition {
            response.insert_header((header::CONTENT_DISPOSITION, disposition));
        }
        response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        for (name, value) in self.headers {
            response.insert_header((*name, value.as_str()));
        }
        response
    }

    fn start_part(&self, status: StatusCode, range: &Range<u64>) -> HttpResponseBuilder {
        let mut response = self.start(status);
        if status == StatusCode::PARTIAL_CONTENT {
            let text = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.size);
            response.insert_header((header::CONTENT_RANGE, text));
        }
        response
    }
}

/// Whether a part from the end is asked for.
fn wants_suffix(request: &HttpRequest) -> bool {
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.contains("=-"))
}

/// Whether a page of the hub shows the file as a picture, sound or film. The policy of our pages lets nothing in from
/// elsewhere, so a redirect to the store would show nothing.
fn is_shown_by_page(request: &HttpRequest) -> bool {
    let says = |name: &str, words: &[&str]| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| words.contains(&value))
    };
    says("sec-fetch-site", &["same-origin"]) && says("sec-fetch-dest", &["image", "audio", "video"])
}
