//! The one integration binary: a module per area.

mod accounts;
mod git_http;
mod lfs;
mod lineage;
mod operations;
mod pages;
mod permissions;
mod repos;
mod work;
