//! Repositories: their life, their refs, what is in them and who may touch them.
//!
//! - [`access`]: the extractors [`RepoRead`], [`RepoWrite`], [`RepoAdmin`]; no handler gets a repository without one.
//! - [`refs`]: the commit point. Exactly one function in the product moves a ref.
//! - [`reading`]: revisions, entries and history, cached by object id.
//! - [`git_cache`]: a node's disk copies of packs, which can be deleted at any time.
//! - [`discussions`]: what is said about a repository, and commits that are proposed for it.
//! - [`gating`]: who asks for the files of a gated repository, and who is let in.
//! - [`audience`]: which are not for all audiences.
//! - [`buckets`]: repositories without git.
//! - [`changes`]: what was done to a repository and can be undone, and deleted repositories.
//! - [`lineage`]: what a repository was made from, by its bytes; [`tensor_diff`]: what changed, tensor by tensor.
//! - [`scanning`]: what is dangerous in files that were pushed.
//! - one operation per file: create, commit, rename, delete, settings, duplicate.

pub mod access;
pub mod api;
pub mod apps;
pub mod archive;
pub mod audience;
pub mod branches;
pub mod buckets;
pub mod by_results;
pub mod by_task;
pub mod changes;
pub mod commit;
pub mod conversion;
pub mod create;
pub mod delete;
pub mod diff_lines;
pub mod discussions;
pub mod duplicate;
pub mod estimates;
pub mod gating;
pub mod git_cache;
pub mod groups;
pub mod head;
pub mod lfs_files;
pub mod licence_chain;
pub mod likes;
pub mod lineage;
pub mod listing;
pub mod lookup;
pub mod merging;
pub mod metadata;
pub mod new_objects;
pub mod pages;
pub mod parquet_files;
pub mod pickles;
pub mod queries;
pub mod reading;
pub mod refs;
pub mod related;
pub mod rename;
pub mod repack;
pub mod scanning;
pub mod settings;
pub mod share_files;
pub mod squash;
pub mod tags;
pub mod tensor_diff;
pub mod trending;
pub mod uploads;
pub mod usage;
pub mod visibility;
pub mod weight_files;
pub mod write_queue;

pub use access::{Level, RepoAdmin, RepoContent, RepoEvidence, RepoRead, RepoWrite};
pub use queries::Repo;
