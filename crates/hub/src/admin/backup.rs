//! Backups: the database and everything in the store that it names, in a folder, beside a running hub.
//!
//! A folder holds any number of backups, which share their objects: objects of the store never change and no key is used
//! twice, so a backup copies only what no earlier one has.
//!
//! ```text
//! objects/git/…  lfs/…  xorbs/…     what the store held, under the same keys
//! backups/<when>/database.dump      pg_dump, custom format
//! backups/<when>/objects.tsv        what this dump names: key, size in bytes, SHA-256
//! backups/<when>/manifest.json      that it is whole, and what made it
//! ```
//!
//! **Consistent.** The dump and the list of objects are read in one snapshot of the database. Objects are in the store before a
//! row names them, and only garbage collection takes them away from there: it waits for as long as a backup runs. So
//! everything that the snapshot names can be copied, also what is in quarantine. A backup is there whole or not at all.
//!
//! - [`objects`]: lists, and copying.
//! - [`dump`]: `pg_dump` and `pg_restore`.
//! - [`prune`]: letting go of old ones.
//! - [`restore`]: the way back, and proving that there is one.

mod dump;
mod objects;
mod prune;
mod restore;

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use hub_storage::{Store, StoreConfig};
use serde::{Deserialize, Serialize};

use super::named::list_named;
use super::queries::backup as queries;
use crate::app::App;
use crate::db::{self, LockKey};
use objects::Inventory;

pub use restore::{restore, verify};

const OBJECTS: &str = "objects";
const BACKUPS: &str = "backups";
const DUMP: &str = "database.dump";
const LIST: &str = "objects.tsv";
const MANIFEST: &str = "manifest.json";
/// A hub reads the forms that it knows.
const FORMAT: u32 = 1;

/// Why a backup is not made or not restored. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// The store, or the folder of objects.
    #[error("{}", crate::start::with_causes(.0))]
    Store(#[from] hub_storage::Error),
    /// A file.
    #[error("`{}` cannot be used: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// `pg_dump` or `pg_restore`.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it says, or why it does not run.
        said: String,
    },
    /// The private Postgres.
    #[error("{0}")]
    Start(#[from] crate::start::StartError),
    /// It is not safe, or there is nothing to do it with.
    #[error("{0}")]
    Refused(String),
}

impl BackupError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// What a backup is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the folder.
    format: u32,
    /// The time of the snapshot.
    pub made_at: DateTime<Utc>,
    /// The version of the hub that made it.
    pub hub: String,
    /// How many objects the dump names.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
    /// The SHA-256 of the dump.
    dump_sha256: String,
    /// The SHA-256 of the list of objects.
    list_sha256: String,
}

/// A backup that was made, and what was new in it.
#[derive(Debug)]
pub struct Made {
    /// Its name: the time.
    pub name: String,
    /// What it is made of.
    pub manifest: Manifest,
    /// How many objects were copied.
    pub copied: u64,
    /// Their size.
    pub copied_bytes: u64,
    /// How many objects went with old backups.
    pub removed: u64,
}

/// A folder of backups. One process at a time writes there.
struct Folder {
    root: PathBuf,
    objects: Store,
    _lock: File,
}

impl Folder {
    fn open(root: &Path) -> Result<Self, BackupError> {
        let objects = Store::open(&StoreConfig::Local { dir: root.join(OBJECTS) })?;
        let backups = root.join(BACKUPS);
        std::fs::create_dir_all(&backups).map_err(BackupError::file(&backups))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(BackupError::file(&path))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| BackupError::Refused(format!("Another process uses the backups in {}.", root.display())))?;
        Ok(Self { root: root.to_owned(), objects, _lock: lock })
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.root.join(BACKUPS).join(name)
    }

    /// The names of all backups, oldest first.
    fn names(&self) -> Result<Vec<String>, BackupError> {
        let folder = self.root.join(BACKUPS);
        let entries = std::fs::read_dir(&folder).map_err(BackupError::file(&folder))?;
        let name = |entry: io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let mut names: Vec<String> = entries.filter_map(name).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        Ok(names)
    }
}

/// Makes a backup of the hub in a folder, which may hold others, of which it keeps the newest if `keep` says how many there shall
/// be. `tell` hears what happens.
///
/// # Errors
/// Says what does not work; the folder then holds no half backup, and objects that are copied already are not copied again.
pub async fn back_up(
    app: &App,
    database_url: &str,
    root: &Path,
    keep: Option<NonZeroUsize>,
    mut tell: impl FnMut(String),
) -> Result<Made, BackupError> {
    let folder = Folder::open(root)?;
    let known = objects::read_known(&folder)?;
    // A transaction of its own, which holds no snapshot: this may take hours.
    let mut no_collection = app.begin().await?;
    if !db::try_lock(&mut no_collection, LockKey::CollectGarbage).await? {
        tell("Garbage is being collected; the backup begins when that is done.".to_owned());
        db::lock(&mut no_collection, LockKey::CollectGarbage).await?;
    }
    let started = Utc::now();
    let name = started.format("%Y%m%dT%H%M%S%3fZ").to_string();
    let partial = folder.path_of(&format!(".{name}"));
    std::fs::create_dir_all(&partial).map_err(BackupError::file(&partial))?;
    let made = fill(app, database_url, &folder, &partial, known, &mut tell).await;
    let (objects, copied) = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = std::fs::remove_dir_all(&partial);
            return Err(error);
        }
    };
    // Whether the lock was held until now.
    no_collection.commit().await?;
    let manifest = Manifest {
        format: FORMAT,
        made_at: started,
        hub: env!("CARGO_PKG_VERSION").to_owned(),
        objects: objects.count(),
        bytes: objects.bytes(),
        dump_sha256: objects::digest_file(&partial.join(DUMP))?,
        list_sha256: objects::digest_file(&partial.join(LIST))?,
    };
    publish(&folder, &partial, &name, &manifest)?;
    let removed = match keep {
        Some(count) => prune::keep_newest(&folder, count).await?.count,
        None => 0,
    };
    Ok(Made { name, manifest, copied: copied.count, copied_bytes: copied.bytes, removed })
}

/// Dumps the database, and copies what it names.
async fn fill(
    app: &App,
    database_url: &str,
    folder: &Folder,
    partial: &Path,
    known: Inventory,
    tell: &mut impl FnMut(String),
) -> Result<(Inventory, objects::Copied), BackupError> {
    let mut snapshot = app.begin().await?;
    let id = queries::export_snapshot(&mut snapshot).await?;
    let named = list_named(&mut snapshot).await?;
    tell(format!("Dumping the database, which names {} objects.", named.len()));
    dump::dump(database_url, &id, &partial.join(DUMP)).await?;
    snapshot.rollback().await?;
    let (inventory, copied) = objects::copy_missing(&app.store, &folder.objects, named, known, tell).await?;
    inventory.write(&partial.join(LIST))?;
    Ok((inventory, copied))
}

/// The manifest last, and then the name: whoever sees the backup sees all of it.
fn publish(folder: &Folder, partial: &Path, name: &str, manifest: &Manifest) -> Result<(), BackupError> {
    let path = partial.join(MANIFEST);
    let text = serde_json::to_vec_pretty(manifest).map_err(|error| BackupError::file(&path)(io::Error::other(error)))?;
    std::fs::write(&path, text).map_err(BackupError::file(&path))?;
    for file in [DUMP, LIST, MANIFEST] {
        let path = partial.join(file);
        File::open(&path).and_then(|file| file.sync_all()).map_err(BackupError::file(&path))?;
    }
    let target = folder.path_of(name);
    std::fs::rename(partial, &target).map_err(BackupError::file(&target))?;
    let backups = folder.root.join(BACKUPS);
    File::open(&backups).and_then(|folder| folder.sync_all()).map_err(BackupError::file(&backups))
}
