//! The names and ids of the hub: repository types and ids, revisions, refs, paths and digests.
//!
//! Everything that arrives as text is parsed here once, at the edge; code behind it sees only these
//! types. The crate does no I/O and knows no web framework. With the `sqlx` feature the ids can be
//! stored in Postgres: digests as `bytea`, names as `text`.

mod digest;
mod path;
mod repo;
mod revision;
#[cfg(feature = "sqlx")]
mod sql;
mod xet_hash;

pub use digest::{DigestError, Oid, Sha256};
pub use path::{BucketPath, PathError, RepoPath};
pub use repo::{MAX_NAME_LEN, NameError, RepoId, RepoType, check_name, is_reserved_namespace};
pub use revision::{RefError, RefName, Revision, split_revision};
pub use xet_hash::{XetHash, XetHashError};
