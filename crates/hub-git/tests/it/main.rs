//! The crate against `git` itself.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "tests")]

mod build;
mod diff;
mod history;
mod model;
mod reader;
mod rewrite;
mod support;
