//! The console of those who run the hub, under `/admin`: how it does, background jobs, accounts,
//! organisations, repositories, what the store keeps, the whole audit log. To everybody
//! else there is nothing at these addresses. Every act asks for a reason, which the audit log keeps.

mod audit_log;
mod banner;
mod flags;
mod frame;
mod jobs;
mod organizations;
mod overview;
mod queries;
mod quota;
mod repositories;
mod storage;
mod take_back;
mod users;

use actix_web::web;

/// Mounts the pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(overview::routes).configure(jobs::routes).configure(users::routes).configure(audit_log::routes);
    config
        .configure(organizations::routes)
        .configure(repositories::routes)
        .configure(storage::routes)
        .configure(quota::routes)
        .configure(banner::routes)
        .configure(flags::routes);
}
