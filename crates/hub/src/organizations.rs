//! What organisations arrange beside their members: resource groups with their repositories, requests to join, service accounts, mail
//! domains and trusted publishers.
//!
//! What these are is in `accounts::{groups, requests, service_accounts, domains}` and `publishers`; here they meet repositories,
//! programs and people.

mod api;
mod pages;

use actix_web::web;

/// Mounts them.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}
