//! What client libraries ask besides their work: telemetry pings and agent detection. Answered fast and emptily.

use actix_web::{HttpResponse, web};
use serde_json::json;

/// Mounts the endpoints.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/agent-harnesses", web::get().to(agent_harnesses))
        .route("/api/telemetry/{topic:.*}", web::head().to(HttpResponse::NoContent));
}

/// Asked once by every Python process; a reply is cached for a day, a 404 is not.
async fn agent_harnesses() -> HttpResponse {
    HttpResponse::Ok().json(json!({}))
}
