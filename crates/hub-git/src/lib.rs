//! Git repositories as the hub stores them: reading objects, building commits, LFS pointers.
//!
//! The crate is synchronous and knows no HTTP and no SQL. Refs are not read from disk: every function
//! takes object ids, and what it makes is handed back for the caller to store and point a ref at.

mod error;
mod lfs_pointer;

pub use error::{Error, Result};
pub use lfs_pointer::{LfsPointer, MAX_POINTER_BYTES};
