//! Where the pack of a push waits until it is proved good.
//!
//! A quarantine is a [`RepoView`] with room for new objects. The pack is indexed into it ([`IndexPack`]), its objects are looked
//! through ([`Quarantine::inspect`]), and the caller takes the `.pack` and `.idx` from it. Dropping it
//! deletes the folder, so a push that fails or whose client goes away leaves nothing.

pub(crate) mod index_pack;
mod inspect;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::process::ProcessError;
use crate::reader::GitReader;
use crate::repo_view::RepoView;

pub use index_pack::{IndexPack, PackEnd, ReceivedPack};
pub use inspect::{Inspection, NewPointer, Tip, Violation};

/// How much a push may bring.
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// The whole pack.
    pub max_pack_bytes: u64,
    /// One file that is not in LFS.
    pub max_file_bytes: u64,
    /// Files and folders that differ between a ref's old and new commit. Bounds what a few crafted
    /// trees that contain each other many times can unfold to.
    pub max_changed_entries: usize,
    /// Each of the checks.
    pub timeout: Duration,
}

impl Default for PushLimits {
    fn default() -> Self {
        Self {
            max_pack_bytes: 5 * 1024 * 1024 * 1024,
            max_file_bytes: 10 * 1024 * 1024,
            max_changed_entries: 2_000_000,
            timeout: Duration::from_secs(900),
        }
    }
}

/// Why the objects of a push are not taken. The texts are for the person who pushes.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A process could not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The client went away or sent less than it announced.
    #[error("the upload broke off before the pack was complete; push again")]
    Body(#[source] std::io::Error),
    /// Over [`PushLimits::max_pack_bytes`].
    #[error("the pack is larger than {limit_mb} MB; push in smaller steps, and put large files in Git LFS")]
    PackTooLarge {
        /// The limit in MiB.
        limit_mb: u64,
    },
    /// The pack is damaged or has objects that git refuses.
    #[error("the pack cannot be used: {0}")]
    BrokenPack(String),
    /// Objects that the new commits need are neither in the pack nor in the repository.
    #[error("objects are missing from the push ({0}); run `git fetch` and `git fsck`, then push again")]
    MissingObjects(String),
    /// Over [`PushLimits::timeout`].
    #[error("the push took too long to check; push in smaller steps")]
    TimedOut,
    /// Something on the server failed.
    #[error("the server could not check the push")]
    Server(#[source] std::io::Error),
}

impl PushError {
    /// Whether the server, not the pusher, has something to mend.
    pub fn is_server_fault(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Process(ProcessError::Start(_) | ProcessError::Broken(_)))
    }
}

/// The folder of one push.
#[derive(Debug)]
pub struct Quarantine {
    view: RepoView,
    /// Of whoever read last. A repository of many packs takes long to open.
    reader: Arc<Mutex<Option<GitReader>>>,
}

impl Quarantine {
    /// Lets the pack of a push come into a view of the repository as it is now.
    pub fn new(view: RepoView) -> Self {
        Self { view, reader: Arc::default() }
    }

    /// The bare repository that sees both the old and the new objects.
    pub fn git_dir(&self) -> &Path {
        self.view.git_dir()
    }

    /// Reads the old and the new objects together, on a thread that may block. One reader after another.
    ///
    /// # Errors
    /// Those of `work`; the folder cannot be read.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&GitReader) -> Result<T> + Send + 'static) -> Result<T> {
        let (reader, git_dir) = (self.reader.clone(), self.git_dir().to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let opened = match reader.take() {
                Some(opened) => opened,
                None => GitReader::open(&git_dir)?,
            };
            work(reader.insert(opened))
        });
        read.await.map_err(std::io::Error::other)?
    }

    fn pack_file(&self, hash: &str, extension: &str) -> PathBuf {
        self.git_dir().join(format!("objects/pack/pack-{hash}.{extension}"))
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
