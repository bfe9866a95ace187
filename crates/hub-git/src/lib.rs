//! Git repositories as the hub stores them: reading objects, building commits, LFS pointers, and the
//! transfer protocols of clone, fetch and push.
//!
//! The crate knows no HTTP and no SQL. Refs are not read from disk: every function takes object ids, and
//! what it makes is handed back for the caller to store and point a ref at. Reading and building are
//! synchronous; only the transfers ([`Git`], [`Quarantine`], [`receive_pack`]) are asynchronous, because
//! they run `git` itself and stream.

mod attributes;
mod build;
mod diff;
mod error;
mod fsck;
mod history;
mod lfs_pointer;
mod ls_refs;
mod object;
mod oid;
pub mod pkt_line;
mod process;
mod quarantine;
mod reader;
pub mod receive_pack;
mod repack;
mod repo_view;
mod upload_pack;

pub use attributes::{ATTRIBUTES_FILE, IgnoreRules, LfsRules, cover_lfs_paths, default_attributes};
pub use build::{
    BuiltCommit, BuiltPack, BuiltTag, Change, CommitMeta, CommitPlan, Content, FileConflict, MAX_MERGED_FILE_BYTES, Merge,
    MergedText, PackContent, Rewritten, Settled, Version, build_commit, build_tag, commit_tree, merge_text, rewrite_without,
};
pub use diff::{ChangeStatus, FileChange, FileSide, TextDiff, TreeDelta};
pub use error::{Error, Result};
pub use fsck::fsck;
pub use history::{LastCommitsHelp, LfsFile, LogRange};
pub use lfs_pointer::{LfsPointer, MAX_POINTER_BYTES};
pub use ls_refs::LsRefs;
pub use object::{CommitInfo, Person, SignedCommit};
pub use process::{Git, GitConcurrency, ProcessError, running_processes};
pub use quarantine::{
    IndexPack, Inspection, NewPointer, PackEnd, PushError, PushLimits, Quarantine, ReceivedPack, Tip, Violation,
};
pub use reader::{Entry, EntryKind, GitReader, Page, TreeCursor};
pub use repack::{JoinError, JoinedPack, PackSize, join_packs, packs_to_join};
pub use repo_view::RepoView;
pub use upload_pack::{FetchAnswer, ProtocolVersion};

#[cfg(test)]
mod fixture;
