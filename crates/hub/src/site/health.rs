//! `/healthz` (this process answers) and `/readyz` (it can do its work).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, header};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::app::App;
use crate::db;

/// A look at the parts costs a query and three requests to the store, and anybody may ask: so it is kept this long.
const KEPT: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(5);

/// What is known about this process's readiness; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Health {
    stopping: Arc<AtomicBool>,
    last: Arc<Mutex<Option<(Instant, Report)>>>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    ready: bool,
    /// Whether the database answers: `ok` or `failed`.
    pub database: &'static str,
    /// Whether all migrations have run: `ok`, `pending` or `unknown`.
    pub migrations: &'static str,
    /// Whether the store can be used: `ok` or `failed`.
    pub store: &'static str,
    /// The process takes no new work.
    stopping: bool,
}

impl Health {
    /// From now on `/readyz` tells load balancers to go elsewhere.
    pub fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// Middleware: while the process stops, each answer is the last on its connection. Whoever keeps connections (a proxy, a
/// client) then asks elsewhere, and sends nothing into one that is about to be closed.
///
/// # Errors
/// Passes on what the service behind it could not answer itself.
pub async fn retire_connections(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let stopping = request.app_data::<web::Data<App>>().map(|app| Arc::clone(&app.health.stopping));
    let mut response = next.call(request).await?;
    if stopping.is_some_and(|stopping| stopping.load(Ordering::Relaxed)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(show_health)).route("/readyz", web::get().to(show_readiness));
}

async fn show_health() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).content_type("text/plain; charset=utf-8").body("ok\n")
}

async fn show_readiness(app: web::Data<App>) -> HttpResponse {
    let mut report = look(&app).await;
    report.stopping = app.health.stopping.load(Ordering::Relaxed);
    report.ready &= !report.stopping;
    let mut response = if report.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(report)
}

/// Looks whether this process can do its work, unless somebody has just looked.
pub async fn look(app: &App) -> Report {
    let mut last = app.health.last.lock().await;
    if let Some((when, report)) = last.as_ref()
        && when.elapsed() < KEPT
    {
        return report.clone();
    }
    let report = examine(app).await;
    *last = Some((Instant::now(), report.clone()));
    report
}

/// Names no host and no cause: the answer is public. The log has both.
async fn examine(app: &App) -> Report {
    let (pending, probed) = tokio::join!(
        tokio::time::timeout(DEADLINE, db::pending_migrations(&app.pool)),
        tokio::time::timeout(DEADLINE, app.store.probe())
    );
    let (database, migrations) = match pending {
        Ok(Ok(0)) => ("ok", "ok"),
        Ok(Ok(_)) => ("ok", "pending"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            ("failed", "unknown")
        }
        Err(_) => {
            tracing::warn!("not ready: the database takes longer than {} s", DEADLINE.as_secs());
            ("failed", "unknown")
        }
    };
    let store = match probed {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            tracing::warn!(error = crate::start::with_causes(&error), "not ready: the store cannot be used");
            "failed"
        }
        Err(_) => {
            tracing::warn!("not ready: the store takes longer than {} s", DEADLINE.as_secs());
            "failed"
        }
    };
    let ready = [database, migrations, store].iter().all(|part| *part == "ok");
    Report { ready, database, migrations, store, stopping: false }
}
