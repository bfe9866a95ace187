//! The Hub API about repositories. Handlers parse, call one operation, and word its result.

mod commits;
mod json;
mod refs;
pub mod resolve;
mod tail;
mod tree;

use actix_web::web;

/// The pattern of every path about one repository under `/api`.
pub const REPO: &str = "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}";

/// Mounts this slice's API.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(resolve::routes).configure(tree::routes).configure(commits::routes).configure(refs::routes);
}
