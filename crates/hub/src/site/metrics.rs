//! `/metrics`, for Prometheus.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::metrics::Current;
use crate::{clock, jobs, webhooks};

/// Mounts the route.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(show_metrics));
}

async fn show_metrics(app: web::Data<App>, request: HttpRequest) -> HubResult<HttpResponse> {
    if !may_read(&app, &request) {
        return Err(HubError::not_found("There is nothing at this address."));
    }
    // A database that does not answer must not take the other metrics away.
    let jobs = jobs::queries::count(&app.pool).await.ok();
    let search_behind = app.search.behind(&app.pool).await;
    let webhooks = webhooks::find_state(&app.pool).await.ok();
    let clock_ahead = clock::ahead().map(|ahead| ahead.as_seconds_f64());
    app.metrics.set_current(app.pool.num_idle(), app.pool.size(), Current { jobs, search_behind, webhooks, clock_ahead });
    let text = app.metrics.render().map_err(HubError::internal)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// Route patterns and counts tell strangers more than they need to know.
fn may_read(app: &App, request: &HttpRequest) -> bool {
    let headers = request.headers();
    let Some(token) = &app.config.metrics_token else {
        let passed_on = ["x-forwarded-for", "forwarded", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        return !passed_on && request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}
