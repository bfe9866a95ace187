//! What licences allow and ask, and what follows for a model from what it was made from.
//!
//! - [`terms`]: the licences that cards may name (`hub_cards::known::LICENSES`), each with its terms, out of `data.tsv`.
//! - [`follows`]: what may be done with something that has a licence and is made from others, and where they contradict
//!   each other. Pure: who asks and what they may see is the caller's.
//! - `pages`: `/licences`, and a page for each.
//!
//! None of it is legal advice, and every page that shows it says so.

pub mod follows;
mod pages;
pub mod terms;

use actix_web::web;

/// Mounts the pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(pages::routes);
}
