//! Repositories as bare git folders on this node's disk: a cache, which can be deleted at any time.
//!
//! `packs/<aa>/<hash>.{pack,idx}` are copies of what the object store holds; `repos/<pk>/` is a bare repository
//! whose `objects/pack/` links to the packs the repository uses. Packs are immutable, so nothing here is ever
//! stale; refs are not kept here but read from the database (`git upload-pack` gets a `packed-refs` file per request).
//! When packs were joined, a new folder `repos/<pk>.<random>/` is made of links, and the one before goes with the
//! last request that reads it.

mod shared;
mod upkeep;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use hub_storage::Store;
use hub_types::Oid;
use sqlx::PgPool;
use tokio::fs;
use tokio::sync::Mutex;

use super::queries::{self, Repo};
use super::refs::StoredPack;
use crate::clock;
use crate::error::HubResult;

pub use shared::NewPack;
use shared::Shared;
pub use upkeep::keep_tidy;

/// No request takes this long.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

/// The file that marks a folder in whose place another one is.
const REPLACED: &str = "replaced";

/// A repository's folder on disk. While one of these lives, the folder is not evicted.
#[derive(Debug, Clone)]
pub struct RepoDir {
    entry: Arc<Entry>,
}

impl RepoDir {
    /// The bare repository.
    pub fn path(&self) -> &Path {
        &self.entry.path
    }
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    shared: Shared,
    on_disk: Mutex<OnDisk>,
    used: SyncMutex<Instant>,
    /// Another folder has taken its place: this one goes with its last reader.
    replaced: AtomicBool,
}

impl Entry {
    fn new(inner: &Inner, name: &str) -> Self {
        Self {
            path: inner.root.join("repos").join(name),
            shared: inner.shared.clone(),
            on_disk: Mutex::new(OnDisk::unknown()),
            used: SyncMutex::new(Instant::now()),
            replaced: AtomicBool::new(false),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if *self.replaced.get_mut()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (path, shared) = (std::mem::take(&mut self.path), self.shared.clone());
            // What cannot be removed now is found by a later tidying.
            runtime.spawn_blocking(move || shared.drop_repo(&path));
        }
    }
}

/// Which packs are in a repository's folder.
#[derive(Debug)]
struct OnDisk {
    /// As of which generation; -1 before the first look.
    generation: i64,
    packs: HashSet<Oid>,
}

impl OnDisk {
    fn unknown() -> Self {
        Self { generation: -1, packs: HashSet::new() }
    }

    /// What an earlier process left in a folder.
    async fn found(folder: &Path) -> std::io::Result<Self> {
        let mut found = Self::unknown();
        let mut files = match fs::read_dir(folder.join("objects/pack")).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        };
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name().to_string_lossy().into_owned();
            // The index comes last.
            let hash = name.strip_prefix("pack-").and_then(|name| name.strip_suffix(".idx"));
            found.packs.extend(hash.and_then(|hash| hash.parse::<Oid>().ok()));
        }
        Ok(found)
    }
}

/// The cache of one node.
#[derive(Debug, Clone)]
pub struct GitCache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    shared: Shared,
    entries: SyncMutex<HashMap<i64, Arc<Entry>>>,
}

impl GitCache {
    /// A cache in `root`, which is made when needed.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub async fn new(root: PathBuf, store: Store) -> std::io::Result<Self> {
        for folder in ["packs", "repos", "tmp"] {
            fs::create_dir_all(root.join(folder)).await?;
        }
        let temp = root.join("tmp");
        if clock::check_ages().is_ok() {
            tokio::task::spawn_blocking(move || sweep(&temp, LEFTOVER_AGE)).await??;
        }
        let shared = Shared::new(root.join("packs"), store);
        Ok(Self { inner: Arc::new(Inner { root, shared, entries: SyncMutex::default() }) })
    }

    /// A folder for quarantines and spooled bodies, on the same file system as the packs.
    pub fn temp_dir(&self) -> PathBuf {
        self.inner.root.join("tmp")
    }

    /// Brings a repository's packs to disk and gives its folder. Costs no query while the node is up to date.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn open(&self, pool: &PgPool, repo: &Repo) -> HubResult<RepoDir> {
        loop {
            let entry = self.entry(repo.pk);
            *entry.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            if self.bring_up_to_date(pool, repo, &entry).await? {
                return Ok(RepoDir { entry });
            }
        }
    }

    /// Whether the folder has the packs now; `false` when another one has taken its place.
    async fn bring_up_to_date(&self, pool: &PgPool, repo: &Repo, entry: &Arc<Entry>) -> HubResult<bool> {
        let mut on_disk = entry.on_disk.lock().await;
        if !fs::try_exists(&entry.path).await.unwrap_or(false) {
            // Never made, or deleted by somebody.
            *on_disk = OnDisk::unknown();
        } else if on_disk.generation < 0 {
            *on_disk = OnDisk::found(&entry.path).await?;
        }
        if on_disk.generation >= repo.pack_generation {
            return Ok(true);
        }
        let packs = queries::packs::list(pool, repo.pk).await?;
        let listed: HashSet<Oid> = packs.iter().map(|pack| pack.hash).collect();
        if !on_disk.packs.is_subset(&listed) {
            self.replace(repo.pk, entry);
            fs::write(entry.path.join(REPLACED), b"").await?;
            return Ok(false);
        }
        init_bare(&entry.path).await?;
        for pack in packs {
            if !on_disk.packs.contains(&pack.hash) {
                if let Err(error) = self.inner.shared.link_pack(pack.hash, pack.nonce, &entry.path).await {
                    // It may have been joined with others since it was listed, and removed.
                    let gone = !queries::packs::list(pool, repo.pk).await?.contains(&pack);
                    return if gone { Ok(false) } else { Err(error) };
                }
                on_disk.packs.insert(pack.hash);
            }
        }
        on_disk.generation = repo.pack_generation;
        Ok(true)
    }

    fn entry(&self, repo_pk: i64) -> Arc<Entry> {
        let mut entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(repo_pk).or_insert_with(|| Arc::new(Entry::new(&self.inner, &repo_pk.to_string())));
        Arc::clone(entry)
    }

    /// Takes a folder that an earlier process left for its repository's, if that has none yet.
    fn adopt(&self, name: &str) {
        let Some(repo_pk) = name.split('.').next().and_then(|pk| pk.parse().ok()) else { return };
        let mut entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.entry(repo_pk).or_insert_with(|| Arc::new(Entry::new(&self.inner, name)));
    }

    /// Begins a new folder for a repository some of whose packs were joined. Files under a running `git` must not go.
    fn replace(&self, repo_pk: i64, old: &Arc<Entry>) {
        let mut entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = entries.get_mut(&repo_pk).filter(|current| Arc::ptr_eq(current, old)) {
            // A name that no folder had before: it must not go with the old one.
            *current = Arc::new(Entry::new(&self.inner, &format!("{repo_pk}.{:x}", rand::random::<u64>())));
            old.replaced.store(true, Ordering::Relaxed);
        }
    }

    /// Puts a new pack into the store, under keys that no other has, and into this node's copy.
    ///
    /// # Errors
    /// 503 when the store does not take it: nothing points at it then.
    pub async fn store_pack(&self, hash: Oid, new: NewPack<'_>, objects: u64) -> HubResult<StoredPack> {
        self.inner.shared.store_pack(hash, new, objects).await
    }

    /// Brings packs that a repository has got as of `generation` into its folder, if nothing else is missing there. What
    /// cannot be done now is done when the repository is opened next.
    pub async fn add_packs(&self, repo_pk: i64, generation: i64, packs: &[StoredPack]) -> HubResult<()> {
        let entry = {
            let entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.get(&repo_pk).map(Arc::clone)
        };
        let Some(entry) = entry else { return Ok(()) };
        let mut on_disk = entry.on_disk.lock().await;
        // Every change of the packs is a generation of its own.
        if on_disk.generation != generation - 1 || !fs::try_exists(&entry.path).await.unwrap_or(false) {
            return Ok(());
        }
        for pack in packs {
            self.inner.shared.link_pack(pack.hash, Some(pack.nonce), &entry.path).await?;
            on_disk.packs.insert(pack.hash);
        }
        on_disk.generation = generation;
        Ok(())
    }

    /// Deletes the folders used longest ago until the cache is within `limit_bytes`; those in use stay.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub async fn evict(&self, limit_bytes: u64) -> HubResult<()> {
        let packs = self.inner.shared.dir().to_owned();
        let mut total = tokio::task::spawn_blocking(move || folder_bytes(&packs)).await??;
        let mut idle: Vec<(Instant, i64, PathBuf)> = {
            let entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = entries.iter().filter(|(_, entry)| Arc::strong_count(entry) == 1);
            idle.map(|(pk, entry)| (*entry.used.lock().unwrap_or_else(PoisonError::into_inner), *pk, entry.path.clone()))
                .collect()
        };
        idle.sort();
        for (_, pk, path) in idle {
            if total <= limit_bytes {
                break;
            }
            total = total.saturating_sub(self.evict_one(pk, &path).await?);
        }
        Ok(())
    }

    async fn evict_one(&self, repo_pk: i64, path: &Path) -> HubResult<u64> {
        let doomed = self.temp_dir().join(format!("evicted-{repo_pk}-{:x}", rand::random::<u64>()));
        let inner = Arc::clone(&self.inner);
        let path = path.to_owned();
        let freed = tokio::task::spawn_blocking(move || {
            {
                // Moved aside under the lock: whoever opens the repository now starts with a fresh folder.
                let mut entries = inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
                if entries.get(&repo_pk).is_none_or(|entry| Arc::strong_count(entry) != 1 || entry.path != path) {
                    return Ok(0);
                }
                std::fs::rename(&path, &doomed)?;
                entries.remove(&repo_pk);
            }
            inner.shared.drop_repo(&doomed)
        });
        Ok(freed.await??)
    }
}

/// Makes an empty bare repository that git and libgit2 open. Its configuration is ours alone.
async fn init_bare(path: &Path) -> HubResult<()> {
    if fs::try_exists(path.join("HEAD")).await? {
        return Ok(());
    }
    for folder in ["objects/pack", "objects/info", "refs/heads"] {
        fs::create_dir_all(path.join(folder)).await?;
    }
    fs::write(path.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n").await?;
    fs::write(path.join("HEAD"), "ref: refs/heads/main\n").await?;
    Ok(())
}

/// Removes what requests left that were killed with the process. What is younger may belong to another process that
/// uses this folder: `hub admin fsck` runs beside a serving hub.
fn sweep(folder: &Path, age: Duration) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let modified = entry.metadata().and_then(|meta| meta.modified());
        if !modified.is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed > age)) {
            continue;
        }
        let path = entry.path();
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "a leftover of a killed request cannot be removed");
        }
    }
    Ok(())
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        total += if meta.is_dir() { folder_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["old", "new"] {
            std::fs::create_dir_all(folder.path().join(name).join("objects")).unwrap();
        }
        let two_days_ago = std::time::SystemTime::now() - Duration::from_secs(48 * 3600);
        std::fs::File::open(folder.path().join("old")).unwrap().set_modified(two_days_ago).unwrap();
        sweep(folder.path(), LEFTOVER_AGE).unwrap();
        assert!(!folder.path().join("old").exists() && folder.path().join("new").exists());
    }
}
