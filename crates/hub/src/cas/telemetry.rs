//! How transfers go, by the version of the client: some versions stall, and an operator should see which.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;

use super::tokens::CasRead;
use crate::app::App;
use crate::error::HubResult;
use crate::metrics::Metrics;
use crate::web::extract::read_body;

/// The largest report that is read, in bytes.
const MAX_REPORT_BYTES: usize = 1024 * 1024;

/// `POST /v1/telemetry`: clients report how a transfer went. It is counted and not kept.
pub(super) async fn post_telemetry(
    app: web::Data<App>,
    _access: CasRead,
    request: HttpRequest,
    payload: web::Payload,
) -> HubResult<HttpResponse> {
    let body = read_body(&mut payload.into_inner(), MAX_REPORT_BYTES).await?;
    let report: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let failed = ["error", "error_kind", "failure"].iter().any(|key| report.pointer(&format!("/metrics/{key}")).is_some());
    app.metrics.xet_transfer(&client_of(&request), if failed { "reported_failed" } else { "reported" });
    Ok(HttpResponse::Ok().finish())
}

/// `hf_xet/1.8.0` out of the user agent; `other` for whatever is not of this form, so that labels stay few.
fn client_of(request: &HttpRequest) -> String {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let version = agent.split("hf_xet/").nth(1).map(|rest| rest.split([';', ' ']).next().unwrap_or_default());
    match version {
        Some(version) if is_version(version) => format!("hf_xet/{version}"),
        _ => "other".to_owned(),
    }
}

fn is_version(text: &str) -> bool {
    let mut parts = text.split('.');
    let small = |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.clone().count() == 3 && parts.all(small)
}

/// A download of a range; counted when it ends.
pub(super) struct Transfer {
    metrics: Metrics,
    client: String,
    /// A client that takes no byte for so long has stalled.
    patience: Duration,
}

impl Transfer {
    pub(super) fn begin(app: &App, request: &HttpRequest) -> Self {
        let patience = Duration::from_secs(app.config.xet_stall_secs);
        Self { metrics: app.metrics.clone(), client: client_of(request), patience }
    }
}

/// The same bytes, watched.
pub(super) fn watched(transfer: Transfer, bytes: u64, inner: BoxStream<'static, HubResult<Bytes>>) -> Watched {
    Watched { transfer, left: bytes, inner, given: None, stalled: false }
}

pub(super) struct Watched {
    transfer: Transfer,
    left: u64,
    inner: BoxStream<'static, HubResult<Bytes>>,
    /// When the client was given the last part, while it has not asked for more. Waiting for the store is not its fault.
    given: Option<Instant>,
    stalled: bool,
}

impl Watched {
    /// Whether the client has kept what it was given for too long.
    fn is_stalling(&self) -> bool {
        self.given.is_some_and(|given| given.elapsed() > self.transfer.patience)
    }
}

impl Stream for Watched {
    type Item = HubResult<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stalled |= self.is_stalling();
        let polled = self.inner.as_mut().poll_next(context);
        self.given = polled.is_ready().then(Instant::now);
        if let Poll::Ready(Some(Ok(part))) = &polled {
            self.left = self.left.saturating_sub(part.len() as u64);
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let stalled = self.stalled || (self.left > 0 && self.is_stalling());
        let outcome = match (stalled, self.left) {
            (true, _) => "stalled",
            (false, 0) => "whole",
            (false, _) => "broken",
        };
        self.transfer.metrics.xet_transfer(&self.transfer.client, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_other_words() {
        assert!(is_version("1.8.0") && is_version("12.10.3"));
        assert!(!is_version("1.8") && !is_version("1.8.x") && !is_version("1.8.0.1") && !is_version("123.0.0"));
    }
}
