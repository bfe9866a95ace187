//! What organisations arrange beside their members: resource groups with their repositories, and requests to join.
//!
//! What groups and requests are is in `accounts::groups` and `accounts::requests`; here they meet repositories, programs and people.

mod api;
mod pages;

use actix_web::web;

/// Mounts them.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}
