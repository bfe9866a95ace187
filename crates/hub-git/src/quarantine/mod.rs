//! Where the pack of a push waits until it is proved good.
//!
//! A quarantine is a bare repository in a temporary folder that borrows the objects of the real one and
//! has the refs its caller gives. The pack is indexed into it ([`IndexPack`]), its objects are looked
//! through ([`Quarantine::inspect`]), and the caller takes the `.pack` and `.idx` from it. Dropping it
//! deletes the folder, so a push that fails or whose client goes away leaves nothing.

mod index_pack;
mod inspect;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hub_types::{Oid, RefName};
use tempfile::TempDir;

use crate::process::ProcessError;

pub use index_pack::{IndexPack, ReceivedPack};
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
        matches!(self, Self::Server(_) | Self::Process(ProcessError::Start(_)))
    }
}

/// The folder of one push.
#[derive(Debug)]
pub struct Quarantine {
    dir: TempDir,
}

impl Quarantine {
    /// Makes a quarantine in the folder `scratch` that borrows the objects of the bare repository
    /// `base` and has `refs`. Blocks on the disk.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn create(scratch: &Path, base: &Path, refs: &[(RefName, Oid)]) -> Result<Self, PushError> {
        let create = || {
            let dir = tempfile::Builder::new().prefix("push-").tempdir_in(scratch)?;
            let git_dir = dir.path();
            for folder in ["objects/pack", "objects/info", "refs"] {
                std::fs::create_dir_all(git_dir.join(folder))?;
            }
            let objects = base.join("objects").canonicalize()?;
            std::fs::write(git_dir.join("objects/info/alternates"), format!("{}\n", objects.display()))?;
            std::fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n")?;
            std::fs::write(git_dir.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
            std::fs::write(git_dir.join("packed-refs"), packed_refs(refs))?;
            Ok(Self { dir })
        };
        create().map_err(PushError::Server)
    }

    /// The bare repository that sees both the old and the new objects.
    pub fn git_dir(&self) -> &Path {
        self.dir.path()
    }

    fn pack_file(&self, hash: &str, extension: &str) -> PathBuf {
        self.dir.path().join(format!("objects/pack/pack-{hash}.{extension}"))
    }
}

fn packed_refs(refs: &[(RefName, Oid)]) -> String {
    let mut sorted: Vec<&(RefName, Oid)> = refs.iter().collect();
    sorted.sort();
    let mut text = String::from("# pack-refs with: sorted \n");
    for (name, oid) in sorted {
        text.push_str(&format!("{oid} {name}\n"));
    }
    text
}

#[cfg(test)]
mod tests;
