//! The one integration binary: a module per area.

mod accounts;
mod activity;
mod audit;
mod buckets;
mod collections;
mod discover;
mod discussions;
mod downloads;
mod gating;
mod gc;
mod git_http;
mod lfs;
mod lineage;
mod operations;
mod outbox;
mod pages;
mod permissions;
mod repos;
mod saved;
mod search;
mod tasks;
mod undo;
mod upgrades;
mod webhooks;
mod work;
mod xet;
