//! Finding things across kinds, for people who do not know yet which list to look in.
//!
//! - [`quick`]: one question over models, datasets, Spaces, organisations, users and tasks: the box in every page's head
//!   (`quick_api`), and the page of its results (`results`).
//! - `find_model`: which model fits somebody, and why.
//! - `owners`: users and organisations by name, which each node holds in memory (`names`).
//!
//! What is found in the search index is read again from the database under the viewer's rights, as in lists.

mod find_model;
mod names;
mod owners;
mod queries;
pub mod quick;
mod quick_api;
mod results;

use actix_web::web;

pub use owners::Directory;
pub(crate) use owners::{CHANNEL, load};

/// Mounts the pages and the API.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(quick_api::routes).configure(results::routes).configure(find_model::page::routes);
}
