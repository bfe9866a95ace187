//! The one integration binary: a module per area.

mod accounts;
mod buckets;
mod git_http;
mod lfs;
mod operations;
mod pages;
mod repos;
mod work;
