//! Mounts each slice's routes; knows nothing of what they do. Specific paths come before general ones.

use actix_web::web;

use crate::web::extract::no_route;
use crate::{
    accounts, activity, cas, clients, collections, console, discover, doctor, git_http, lfs, licences, moderation, notifications,
    oauth, organizations, personal_data, recalls, repos, saved, site, tasks, webhooks,
};

/// Mounts everything.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(repos::api::resolve::routes)
        .configure(site::health::routes)
        .configure(site::metrics::routes)
        .configure(accounts::api::routes)
        .configure(clients::routes)
        .configure(doctor::mirror::routes)
        .configure(lfs::routes)
        .configure(cas::routes)
        .configure(cas::token_routes)
        .configure(repos::api::routes)
        .configure(organizations::routes)
        .configure(collections::api::routes)
        .configure(git_http::routes)
        .configure(crate::web::static_files::routes)
        .configure(site::home::routes)
        .configure(accounts::pages::routes)
        .configure(crate::gpg::routes)
        .configure(crate::ssh::routes)
        .configure(site::storage::routes)
        .configure(site::owner_storage::routes)
        .configure(site::lineage::routes)
        .configure(site::design::routes)
        .configure(console::routes)
        .configure(crate::banner::pages::routes)
        .configure(tasks::routes)
        .configure(discover::routes)
        .configure(licences::routes)
        .configure(saved::routes)
        .configure(notifications::routes)
        .configure(moderation::routes)
        .configure(recalls::routes)
        .configure(webhooks::routes)
        .configure(oauth::routes)
        .configure(personal_data::routes)
        .configure(activity::atom::routes)
        .configure(activity::follow::routes)
        .configure(collections::pages::routes)
        .configure(repos::pages::routes)
        .configure(repos::api::resolve::legacy_routes)
        // A name alone is the most general path.
        .configure(site::profile::routes)
        .default_service(web::to(no_route));
}

/// Mounts only the store of chunks: for processes that do nothing else.
pub fn cas_routes(config: &mut web::ServiceConfig) {
    config
        .configure(site::health::routes)
        .configure(site::metrics::routes)
        .configure(cas::routes)
        .default_service(web::to(no_route));
}

/// Mounts only what those who run the hub ask: for processes that work through jobs.
pub fn operator_routes(config: &mut web::ServiceConfig) {
    config.configure(site::health::routes).configure(site::metrics::routes).default_service(web::to(no_route));
}
