//! The hub: web pages, Hub API, git over HTTP and Git LFS over one Postgres and one object store.
//!
//! Start reading at [`start`], which is what `hub serve` and the tests call, then [`router`], then a slice:
//! [`accounts`] (who asks), [`repos`] (what they ask about). `ARCHITECTURE.md` has the walk of a push and a page.

pub mod accounts;
pub mod activity;
pub mod admin;
pub mod app;
pub mod banner;
pub mod cas;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod collections;
pub mod config;
pub mod console;
pub mod db;
pub mod discover;
pub mod doctor;
pub mod downloads;
pub mod error;
pub mod fetches;
pub mod flags;
pub mod gc;
pub mod git_http;
pub mod gpg;
pub mod jobs;
pub mod lfs;
pub mod licences;
mod listen;
pub mod logging;
pub mod mailer;
pub mod metrics;
pub mod moderation;
pub mod notifications;
pub mod oauth;
pub mod objects;
pub mod organizations;
pub mod personal_data;
pub mod publishers;
pub mod quotas;
pub mod recalls;
pub mod repos;
pub mod router;
pub mod saved;
pub mod scans;
pub mod search;
pub mod signing;
pub mod site;
pub mod ssh;
pub mod start;
pub mod tasks;
mod together;
pub mod web;
pub mod webhooks;
pub mod xet;

pub use start::{RunningHub, StartError, start};
