//! Git repositories as the hub stores them: reading objects, building commits, LFS pointers, and the
//! transfer protocols of clone, fetch and push.
//!
//! The crate knows no HTTP and no SQL. Refs are not read from disk: every function takes object ids, and
//! what it makes is handed back for the caller to store and point a ref at. Reading and building are
//! synchronous; only the transfers ([`Git`], [`Quarantine`], [`receive_pack`]) are asynchronous, because
//! they run `git` itself and stream.

mod error;
mod lfs_pointer;
pub mod pkt_line;
mod process;
mod quarantine;
pub mod receive_pack;
mod repo_view;
mod upload_pack;

pub use error::{Error, Result};
pub use lfs_pointer::{LfsPointer, MAX_POINTER_BYTES};
pub use process::{Git, GitConcurrency, ProcessError};
pub use quarantine::{IndexPack, Inspection, NewPointer, PushError, PushLimits, Quarantine, ReceivedPack, Tip, Violation};
pub use repo_view::RepoView;
pub use upload_pack::{FetchAnswer, ProtocolVersion};

#[cfg(test)]
mod fixture;
