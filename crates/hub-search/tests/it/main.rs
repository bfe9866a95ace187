//! The engines, from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by them")]

mod corpus;
mod lifecycle;
mod meili;
mod oracle;
mod protocol;
mod relevance;
