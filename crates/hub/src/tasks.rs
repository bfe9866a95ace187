//! Tasks: what models do, explained. A page for each, an index by group, and `/api/tasks`.
//!
//! Which tasks there are, their labels and groups say [`hub_cards::known::TASKS`], the list that card validation and
//! filters use too. What is told of a task is a file of `tasks/data/`, named by its id; metrics are explained once, in
//! `tasks/data/metrics.toml`. [`catalogue`] reads both once per process. Examples are drawn by templates from the
//! structured values of [`demo`]: there are no pictures from elsewhere.
//!
//! Models and datasets of a task come from `repos`: the lists that everyone uses, and [`crate::repos::by_task`].

mod api;
mod catalogue;
mod demo;
mod drawing;
mod files;
mod named;
mod pages;

use actix_web::web;

pub use named::{TaskName, named};

/// Mounts `/tasks`, `/tasks/{task}` and `/api/tasks`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(api::routes).configure(pages::routes);
}
