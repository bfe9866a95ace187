//! Shards come in: what makes files of xorbs. Checking one may take a while (every new file is read back), so the work goes
//! on when the client goes away, and the newer form of the answer says now and then that it does.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::stream;
use hub_xet::{MAX_SHARD_BYTES, parse_shard};
use serde_json::json;
use tokio::task::JoinHandle;

use super::tokens::CasWrite;
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult, log_failure};
use crate::web::extract::read_body;
use crate::xet::register;

/// How often a client that waits hears that its shard is still being checked.
const BEAT: Duration = Duration::from_secs(10);
/// How long the answer is held back, so that most of them can have the right status.
const FIRST_WAIT: Duration = Duration::from_secs(20);

/// How long a shard may take to arrive: others wait for the memory it takes.
const ARRIVAL: Duration = Duration::from_secs(120);

/// `POST /v1/shards`: one answer in the end.
pub(super) async fn post_v1(
    app: web::Data<App>,
    write: CasWrite,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    begin(&app, &write, &request, payload).await?.await??;
    Ok(HttpResponse::Ok().json(json!({ "result": 1 })))
}

/// `POST /v2/shards`: a line now and then, and a last one that says how it ended.
pub(super) async fn post_v2(
    app: web::Data<App>,
    write: CasWrite,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let mut work = begin(&app, &write, &request, payload).await?;
    let early = tokio::time::timeout(FIRST_WAIT, &mut work).await;
    let mut response = HttpResponse::Ok();
    response.content_type("application/x-ndjson");
    match early {
        Ok(ended) => {
            ended??;
            Ok(response.body(line(&json!({ "type": "result" }))))
        }
        Err(_) => Ok(response.streaming(beats(work))),
    }
}

async fn begin(
    app: &web::Data<App>,
    write: &CasWrite,
    request: &HttpRequest,
    payload: web::Payload,
) -> HubResult<JoinHandle<HubResult<()>>> {
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_SHARD_BYTES) {
        return Err(HubError::too_large(format!("A shard has at most {MAX_SHARD_BYTES} bytes. Send several.")));
    }
    let room = app.xet.room_for_shard(announced.unwrap_or(MAX_SHARD_BYTES)).await;
    let mut payload = payload.into_inner();
    let reading = read_body(&mut payload, announced.unwrap_or(MAX_SHARD_BYTES));
    let body = tokio::time::timeout(ARRIVAL, reading).await;
    let body = body.map_err(|_| HubError::bad_request("The shard took too long to arrive. Send it again."))??;
    let parse = move || parse_shard(&body);
    let shard = tokio::task::spawn_blocking(parse).await?;
    let shard = shard.map_err(|error| HubError::bad_request(format!("The shard was refused: {error}. Nothing was stored.")))?;
    let (app, repo_pk) = (app.get_ref().clone(), write.repo.pk);
    Ok(tokio::spawn(async move {
        let _room = room;
        register::register(&app, repo_pk, shard).await
    }))
}

type Beats = Option<JoinHandle<HubResult<()>>>;

fn beats(work: JoinHandle<HubResult<()>>) -> impl futures::Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::unfold(Some(work), |work: Beats| async move {
        let mut work = work?;
        match tokio::time::timeout(BEAT, &mut work).await {
            Err(_) => Some((Ok(line(&json!({ "type": "validating", "verified": 0, "total": 1 }))), Some(work))),
            Ok(ended) => Some((Ok(last_line(ended.map_err(HubError::from).flatten())), None)),
        }
    })
}

fn last_line(ended: HubResult<()>) -> Bytes {
    match ended {
        Ok(()) => line(&json!({ "type": "result" })),
        Err(error) => {
            log_failure(&error, "", "/xet/v2/shards");
            let retryable = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal);
            line(&json!({ "type": "error", "message": error.message(), "retryable": retryable }))
        }
    }
}

fn line(value: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}
