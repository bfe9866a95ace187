//! The crate against `git` itself.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "tests")]

mod build;
mod diff;
mod fuzz;
mod history;
mod model;
mod reader;
mod rewrite;
mod support;

#[path = "../../../hub-types/tests/hostile/mod.rs"]
mod hostile;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;
