//! The hub's end of a look at the way to it: says what arrived of a request, and answers slowly. Only for whoever has a
//! ticket, which takes the database to make and works for a few minutes.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::signing::Signer;

const PURPOSE: &str = "doctor";
/// How long a ticket works, in seconds.
const VALID_SECS: i64 = 300;
/// The most that a body may have; it is read and dropped.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// How many pieces a slow answer and a slow request have.
pub(super) const PIECES: u32 = 4;
/// How large they are.
pub(super) const PIECE_BYTES: usize = 1024;
/// How long before each but the first.
pub(super) const PAUSE: Duration = Duration::from_millis(400);

/// What arrived of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The path, as it was sent.
    pub(super) path: String,
    /// The names of its headers, in lower case.
    pub(super) headers: Vec<String>,
    /// The address of a proxy that is not believed.
    pub(super) unknown_proxy: Option<String>,
    /// The size of its body in bytes.
    pub(super) bytes: u64,
    /// How long its body took from the end of its head, in milliseconds.
    pub(super) took_ms: u64,
}

/// Headers of answers that clients do not work without, as the mirror sends them.
pub(super) const ANSWERED: &[(&str, &str)] = &[
    ("etag", "\"doctor\""),
    ("link", "</>; rel=\"next\""),
    ("x-repo-commit", "doctor"),
    ("x-linked-size", "1"),
    ("x-linked-etag", "\"doctor\""),
    ("x-error-code", "doctor"),
    ("x-error-message", "doctor"),
    ("accept-ranges", "bytes"),
];

/// Makes a ticket.
pub(super) fn ticket(signer: &Signer) -> String {
    let ends = (crate::clock::now().timestamp() + VALID_SECS).to_string();
    format!("{ends}.{}", signer.sign(PURPOSE, &ends))
}

fn check(app: &App, ticket: &str) -> HubResult<()> {
    let valid = ticket.split_once('.').is_some_and(|(ends, signature)| {
        app.signer.verify(PURPOSE, ends, signature) && ends.parse().is_ok_and(|ends: i64| ends > crate::clock::now().timestamp())
    });
    if valid { Ok(()) } else { Err(HubError::not_found("There is nothing at this address.")) }
}

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/doctor/{ticket}/seen/{rest:.*}", web::get().to(show_seen))
        .route("/api/doctor/{ticket}/body", web::post().to(post_body))
        .route("/api/doctor/{ticket}/slow", web::get().to(show_slowly));
}

async fn show_seen(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    check(&app, request.match_info().query("ticket"))?;
    let mut response = HttpResponse::Ok();
    ANSWERED.iter().for_each(|named| {
        response.insert_header(*named);
    });
    Ok(response.json(seen(&app, &request)))
}

async fn post_body(app: web::Data<App>, request: HttpRequest, mut body: web::Payload) -> HubResult<HttpResponse> {
    check(&app, request.match_info().query("ticket"))?;
    let started = Instant::now();
    let mut seen = seen(&app, &request);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| HubError::bad_request(format!("The body broke off: {error}.")))?;
        seen.bytes += piece.len() as u64;
        if seen.bytes > MOST_BYTES {
            return Err(HubError::bad_request("The body is too large."));
        }
    }
    seen.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(HttpResponse::Ok().json(seen))
}

async fn show_slowly(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    check(&app, request.match_info().query("ticket"))?;
    let pieces = stream::iter(0..PIECES).then(async |number| {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        Ok::<_, Infallible>(Bytes::from_static(&[b'.'; PIECE_BYTES]))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/octet-stream");
    Ok(response.streaming(Box::pin(pieces)))
}

fn seen(app: &App, request: &HttpRequest) -> Seen {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let passed_on = request.headers().contains_key("x-forwarded-for");
    Seen {
        path: request.uri().path().to_owned(),
        headers: request.headers().keys().map(|name| name.as_str().to_owned()).collect(),
        unknown_proxy: peer.filter(|peer| passed_on && !app.config.trusted_proxies.contains(*peer)).map(|peer| peer.to_string()),
        bytes: 0,
        took_ms: 0,
    }
}
