//! `POST /api/tokens/revoke-leaked`: for scanners of secrets, and whoever else finds a token. Needs no account.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use crate::accounts::leaks;
use crate::app::App;
use crate::error::HubResult;
use crate::web::extract::Json;

/// Tokens in plain text.
#[derive(Debug, Deserialize)]
struct LeakedRequest {
    tokens: Vec<String>,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/api/tokens/revoke-leaked", web::post().to(post_leaked));
}

/// The answer is the same for whatever was sent: it helps nobody to guess.
async fn post_leaked(app: web::Data<App>, Json(request): Json<LeakedRequest>) -> HubResult<HttpResponse> {
    leaks::report(&app, &leaks::hashes_in(request.tokens.iter().map(String::as_str))).await?;
    Ok(HttpResponse::Accepted().json(json!({ "message": "Tokens of this hub that are among these stop working." })))
}
