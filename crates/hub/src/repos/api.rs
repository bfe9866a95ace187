//! The Hub API about repositories. Handlers parse, call one operation, and word its result.

pub mod resolve;

use actix_web::web;

/// The pattern of every path about one repository under `/api`.
pub const REPO: &str = "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}";

/// Mounts this slice's API.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(resolve::routes);
}
