//! Saved searches: a list with what narrows it under a name, how much is new in it, a feed, and mails about it.
//!
//! - [`operations`]: saving, renaming, deleting; what is remembered of each is said at its columns (`migrations/`).
//! - [`fresh`]: what is new. Candidates come from the database, in order of time; the search index says which of them fit, and
//!   leaves out what the reader may not see.
//! - [`alerts`]: looks for what is new, on every node that has an index, and notes what was found together with a job.
//! - [`send`]: the job: reads again what the reader may see, and sends the mail.
//! - `feed`, `unsubscribe`: addresses that work without a login because they are signed.
//!
//! docs/saved-searches.md says what "new" means and what may happen twice.

pub mod alerts;
mod feed;
mod fresh;
pub mod operations;
mod pages;
pub mod queries;
pub mod send;
mod unsubscribe;

use actix_web::web;

/// Mounts the pages and the feed.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(pages::routes).configure(feed::routes).configure(unsubscribe::routes);
}
