use std::io;

use hub_types::Oid;

/// What can go wrong with a repository's objects. The texts are for people who asked for the thing;
/// the sources of [`Error::Git`] and [`Error::Io`] are for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No object starts with this id, or what it names is not a commit.
    #[error("Invalid rev id: {0}")]
    RevisionNotFound(String),
    /// Several commits start with these digits.
    #[error("`{0}` is the start of more than one commit id, write more digits of it")]
    RevisionAmbiguous(String),
    /// The commit has nothing at this path, or something of another kind.
    #[error("Entry not found: {0}")]
    EntryNotFound(String),
    /// A deletion of something that is not there, or not of that kind.
    #[error("A file with this name doesn't exist: {0}")]
    NothingToDelete(String),
    /// A file would have to be where a folder is, or the other way round.
    #[error("`{path}` cannot be written because `{existing}` is already there as a {kind}; delete it in the same commit first")]
    PathConflict {
        /// What was to be written.
        path: String,
        /// What is in its way.
        existing: String,
        /// `file` or `folder`.
        kind: &'static str,
    },
    /// A blob is larger than the caller wants in memory.
    #[error("the file has {size} bytes, more than the {limit} that can be shown")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The caller's limit.
        limit: u64,
    },
    /// An object that should be there is not: the repository's packs are incomplete.
    #[error("object {0} is missing from the repository")]
    ObjectMissing(Oid),
    /// An object is not what its place says.
    #[error("object {oid} is damaged: {reason}")]
    ObjectDamaged {
        /// The object.
        oid: Oid,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// libgit2 failed.
    #[error("reading the repository failed")]
    Git(#[from] git2::Error),
    /// The disk failed.
    #[error("reading or writing the repository's files failed")]
    Io(#[from] io::Error),
}

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
