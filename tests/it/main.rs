//! The one integration binary: a module per area.

mod accounts;
mod lfs;
mod operations;
