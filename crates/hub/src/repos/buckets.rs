//! Buckets: repositories without git. Files have paths and bytes and no history; the last writer wins.
//!
//! - [`create`]: makes one.
//! - [`batch`]: the one way in which files come, go and are copied. A batch happens whole or not at all.
//! - [`listing`]: what is in one, by prefix and page by page.
//! - [`place`]: puts files there that came whole, as browsers send them.
//! - [`change`]: removes and moves files and folders that somebody chose on a page.
//!
//! A file's bytes are a large file ([`crate::objects`]) that the bucket has. So a batch only says which of them are where,
//! a copy moves no bytes, and knowing a hash opens nothing. A deleted file is gone for everybody at once; its bytes stay
//! until they are collected, and until then count for nothing: [`list_oids`] says what a bucket refers to.

pub mod batch;
pub mod change;
pub mod create;
pub mod listing;
pub mod place;

pub use super::queries::buckets::{BucketFile, Totals, has_oid, list_files, list_files_at, list_oids, sum_all, sum_of_owners};
