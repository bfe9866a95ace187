//! Repositories as bare git folders on this node's disk: a cache, which can be deleted at any time.
//!
//! `packs/<aa>/<hash>.{pack,idx}` are copies of what the object store holds; `repos/<pk>/` is a bare repository
//! whose `objects/pack/` links to the packs the repository uses. Packs are immutable, so nothing here is ever
//! stale; refs are not kept here but read from the database (`git upload-pack` gets a `packed-refs` file per request).

mod upkeep;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use hub_storage::{StorageKey, Store};
use hub_types::Oid;
use sqlx::PgPool;
use tokio::fs;
use tokio::sync::Mutex;

use super::queries::{self, Repo};
use crate::error::HubResult;

pub use upkeep::keep_tidy;

/// No request takes this long.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

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
    on_disk: Mutex<OnDisk>,
    used: SyncMutex<Instant>,
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
}

/// The cache of one node.
#[derive(Debug, Clone)]
pub struct GitCache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    store: Store,
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
        tokio::task::spawn_blocking(move || sweep(&temp, LEFTOVER_AGE)).await??;
        Ok(Self { inner: Arc::new(Inner { root, store, entries: SyncMutex::default() }) })
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
        let entry = self.entry(repo.pk);
        *entry.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let mut on_disk = entry.on_disk.lock().await;
        if !fs::try_exists(&entry.path).await.unwrap_or(false) {
            // Never made, or deleted by somebody.
            *on_disk = OnDisk::unknown();
        }
        if on_disk.generation < repo.pack_generation {
            let packs = queries::list_packs(pool, repo.pk).await?;
            init_bare(&entry.path).await?;
            for pack in packs {
                if !on_disk.packs.contains(&pack) {
                    self.link_pack(&entry.path, &pack).await?;
                    on_disk.packs.insert(pack);
                }
            }
            on_disk.generation = repo.pack_generation;
        }
        drop(on_disk);
        Ok(RepoDir { entry })
    }

    fn entry(&self, repo_pk: i64) -> Arc<Entry> {
        let mut entries = self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(repo_pk).or_insert_with(|| {
            let path = self.inner.root.join("repos").join(repo_pk.to_string());
            Arc::new(Entry { path, on_disk: Mutex::new(OnDisk::unknown()), used: SyncMutex::new(Instant::now()) })
        });
        Arc::clone(entry)
    }

    /// Puts a new pack into the store, then into this node's copy. Safe to repeat.
    ///
    /// # Errors
    /// 503 when the store does not take it: nothing points at it then.
    pub async fn store_pack(&self, hash: &Oid, pack: &Path, idx: &Path) -> HubResult<()> {
        let store = &self.inner.store;
        store.put_file(&StorageKey::pack_idx(hash), idx).await?;
        store.put_file(&StorageKey::pack(hash), pack).await?;
        Ok(())
    }

    async fn link_pack(&self, repo: &Path, hash: &Oid) -> HubResult<()> {
        let folder = repo.join("objects/pack");
        // The index last: git takes a pack for there when it sees the index.
        for (key, extension) in [(StorageKey::pack(hash), "pack"), (StorageKey::pack_idx(hash), "idx")] {
            let target = folder.join(format!("pack-{hash}.{extension}"));
            if fs::try_exists(&target).await? {
                continue;
            }
            let hex = hash.to_hex();
            let shard = hex.get(..2).unwrap_or_default();
            let cached = self.inner.root.join("packs").join(shard).join(format!("{hex}.{extension}"));
            if !fs::try_exists(&cached).await? {
                if let Some(parent) = cached.parent() {
                    fs::create_dir_all(parent).await?;
                }
                self.inner.store.download(&key, &cached).await?;
            }
            match fs::hard_link(&cached, &target).await {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                // Evicted since the look above.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.inner.store.download(&key, &target).await?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Deletes the folders used longest ago until the cache is within `limit_bytes`; those in use stay.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub async fn evict(&self, limit_bytes: u64) -> HubResult<()> {
        let packs = self.inner.root.join("packs");
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
                if entries.get(&repo_pk).is_none_or(|entry| Arc::strong_count(entry) != 1) {
                    return Ok(0);
                }
                std::fs::rename(&path, &doomed)?;
                entries.remove(&repo_pk);
            }
            drop_repo(&doomed, &inner.root.join("packs"))
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

/// Removes a repository's folder and the packs that no other folder links to; gives the bytes freed.
fn drop_repo(repo: &Path, packs: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut freed = 0;
    for entry in std::fs::read_dir(repo.join("objects/pack"))? {
        let entry = entry?;
        let meta = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        std::fs::remove_file(entry.path())?;
        // Two links: this folder's and the shared copy's.
        if meta.nlink() <= 2
            && let Some(file) = name.strip_prefix("pack-")
        {
            let shared = packs.join(file.get(..2).unwrap_or_default()).join(file);
            match std::fs::remove_file(shared) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => freed += meta.len(),
            }
        }
    }
    std::fs::remove_dir_all(repo)?;
    Ok(freed)
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
