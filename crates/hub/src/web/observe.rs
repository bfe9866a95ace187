//! Each request in the log and in the metrics: one line when its last byte has gone out, or it broke off.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use futures::FutureExt as _;
use tracing::Span;

use crate::app::App;
use crate::error::HubError;
use crate::metrics::{Held, Metrics};

/// Middleware: counts and logs the request; a panic in a handler becomes a 500.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let metrics = request.app_data::<Data<App>>().map(|app| app.metrics.clone());
    let in_hand = metrics.as_ref().map(Metrics::request_in_hand);
    // The query stays out: signed addresses carry their secret there.
    let path = request.path().to_owned();
    let method = label(request.method().as_str());
    let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    // The panic hook has logged it.
    let response = answer.unwrap_or_else(|_| Err(HubError::internal("a handler panicked").into()))?;
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let status = response.status().as_u16();
    if let Some(metrics) = &metrics {
        metrics.answered(method, &route, status, started.elapsed());
    }
    let observation = Observation {
        metrics,
        _in_hand: in_hand,
        started,
        method,
        path,
        route,
        status,
        sent: 0,
        whole: false,
        span: Span::current(),
    };
    Ok(response.map_body(|_, body| BoxBody::new(ObservedBody { body: body.boxed(), observation })))
}

/// Clients can send any word as a method; labels must stay few.
fn label(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].into_iter().find(|known| *known == method).unwrap_or("other")
}

struct ObservedBody {
    body: BoxBody,
    observation: Observation,
}

/// What the log line says; written when the body is dropped.
struct Observation {
    metrics: Option<Metrics>,
    _in_hand: Option<Held>,
    started: Instant,
    method: &'static str,
    path: String,
    route: String,
    status: u16,
    sent: u64,
    whole: bool,
    span: Span,
}

impl MessageBody for ObservedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let span = self.observation.span.clone();
        let _inside = span.enter();
        let polled = Pin::new(&mut self.body).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(part))) => {
                // The answer to HEAD has a body here, and the server keeps it to itself.
                if self.observation.method != "HEAD" {
                    self.observation.sent += u64::try_from(part.len()).unwrap_or_default();
                }
                self.observation.whole |= self.body.size() == BodySize::Sized(self.observation.sent);
            }
            Poll::Ready(None) => self.observation.whole = true,
            Poll::Ready(Some(Err(error))) => tracing::warn!(%error, "an answer broke off"),
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let _inside = self.span.enter();
        if let Some(metrics) = &self.metrics {
            metrics.sent(&self.route, self.sent);
        }
        let Self { method, path, status, sent, .. } = self;
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Bodies that are never asked for (HEAD, 204, 304) are whole.
        let broken_off = !self.whole && *sent > 0;
        if matches!(self.route.as_str(), "/healthz" | "/readyz" | "/metrics") {
            tracing::debug!(status, duration_ms, bytes = sent, "{method} {path}");
        } else if broken_off {
            tracing::info!(status, duration_ms, bytes = sent, broken_off, "{method} {path}");
        } else {
            tracing::info!(status, duration_ms, bytes = sent, "{method} {path}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::{App as ActixApp, HttpResponse, test, web};

    async fn broken() -> HttpResponse {
        panic!("a mistake in a handler")
    }

    #[actix_web::test]
    async fn a_panic_is_a_500_and_the_worker_goes_on() {
        let routes = ActixApp::new().wrap(from_fn(observe)).route("/broken", web::get().to(broken));
        let service = test::init_service(routes.route("/whole", web::get().to(HttpResponse::NoContent))).await;
        let request = |path| test::TestRequest::get().uri(path).to_request();
        let error = test::try_call_service(&service, request("/broken")).await.map(|_| ()).unwrap_err();
        assert_eq!(error.as_response_error().status_code(), 500);
        assert_eq!(test::call_service(&service, request("/whole")).await.status(), 204);
    }
}
