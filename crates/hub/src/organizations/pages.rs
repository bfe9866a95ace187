//! Pages of an organisation's resource groups and of requests to join it.

mod group;
mod groups;
mod requests;

use actix_web::web;

/// Mounts them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.configure(groups::routes).configure(group::routes).configure(requests::routes);
}
