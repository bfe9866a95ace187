use std::fs::File;
use std::sync::Arc;

use hub_types::{Oid, RepoPath};

use crate::LfsPointer;

/// The bytes of a new file.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory, for small files.
    Bytes(Vec<u8>),
    /// A stretch of a file on disk; several contents may share one file.
    Spooled {
        /// The file, open for reading.
        file: Arc<File>,
        /// Where the content starts in it.
        offset: u64,
        /// How many bytes it has.
        len: u64,
    },
}

/// One change of a commit.
#[derive(Debug, Clone)]
pub enum Change {
    /// Writes a file into git. A file that was executable stays so.
    AddBlob {
        /// Where.
        path: RepoPath,
        /// What.
        content: Content,
    },
    /// Writes the pointer to an LFS file.
    AddLfs {
        /// Where.
        path: RepoPath,
        /// To what.
        pointer: LfsPointer,
    },
    /// Puts a blob that the repository has at a path: a copy or a rename.
    AddExisting {
        /// Where.
        path: RepoPath,
        /// The blob.
        blob: Oid,
        /// Whether it is to be executable.
        executable: bool,
    },
    /// Deletes a file, a link or a submodule; a folder at the path does not count.
    DeleteFile(String),
    /// Deletes a folder with all that is in it; a file at the path does not count.
    DeleteFolder(String),
    /// Deletes whatever is at the path.
    DeleteEntry(String),
}
