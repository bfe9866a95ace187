//! The Hub API about repositories. Handlers parse, call one operation, and word its result.

mod commits;
mod fields;
mod info;
mod json;
mod list;
mod owners;
mod refs;
pub mod resolve;
mod tags_by_type;
mod tail;
mod tree;
mod validate_yaml;

use actix_web::web;

/// The pattern of every path about one repository under `/api`.
pub const REPO: &str = "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}";

/// Mounts this slice's API.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(list::routes)
        .configure(tags_by_type::routes)
        .configure(validate_yaml::routes)
        .configure(owners::routes)
        .configure(resolve::routes)
        .configure(tree::routes)
        .configure(commits::routes)
        .configure(refs::routes)
        .configure(info::routes);
}
