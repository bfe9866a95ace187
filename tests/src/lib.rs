//! The harness of the integration tests: a real hub on a free port, with an own database and an own store.
//!
//! `TestHub::start()` copies a template database that is migrated once per set of migrations, and calls
//! [`hub::start`], as `hub serve` does. Tests talk to it by HTTP, like any client.

mod client;
mod database;
mod hub_under_test;
mod meili;
mod name_server;
mod stores;
mod waiting;

pub use client::Client;
pub use hub_under_test::TestHub;
pub use meili::Meili;
pub use name_server::{NameServer, Said};
pub use stores::{s3_store, services};
pub use waiting::until;

/// Lets a test write `hub_tests::json!(…)` without naming another crate.
pub use serde_json::{Value, json};
