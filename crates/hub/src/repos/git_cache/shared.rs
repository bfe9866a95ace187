//! The node's copies of packs, which the folders of repositories link to.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hub_storage::{StorageKey, Store};
use hub_types::Oid;
use tokio::fs;

use crate::error::HubResult;
use crate::repos::refs::StoredPack;

/// A pack and its index that are to be stored.
#[derive(Debug, Clone, Copy)]
pub enum NewPack<'a> {
    /// In memory.
    Bytes {
        /// The pack.
        pack: &'a Bytes,
        /// The index.
        idx: &'a Bytes,
    },
    /// On disk, on the file system of the cache.
    Files {
        /// The pack.
        pack: &'a Path,
        /// The index.
        idx: &'a Path,
    },
}

/// A folder of packs, and the store they come from.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    dir: PathBuf,
    store: Store,
    /// How many links a file has that one repository uses: its folder's, the copy's own, and that of a store in a folder.
    links: u64,
}

impl Shared {
    pub(super) fn new(dir: PathBuf, store: Store) -> Self {
        let links = if store.is_remote() { 2 } else { 3 };
        Self { dir, store, links }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, hash: &str, extension: &str) -> PathBuf {
        self.dir.join(hash.get(..2).unwrap_or_default()).join(format!("{hash}.{extension}"))
    }

    pub(super) async fn store_pack(&self, hash: Oid, new: NewPack<'_>, objects: u64) -> HubResult<StoredPack> {
        let nonce = StorageKey::fresh_nonce();
        let (pack_key, idx_key) = (StorageKey::pack(&hash, Some(nonce)), StorageKey::pack_idx(&hash, Some(nonce)));
        // Nothing points at either until both are there.
        let size = match new {
            NewPack::Bytes { pack, idx } => {
                tokio::try_join!(self.store.put_bytes(&idx_key, idx.clone()), self.store.put_bytes(&pack_key, pack.clone()))?;
                pack.len() as u64
            }
            NewPack::Files { pack, idx } => {
                tokio::try_join!(self.store.put_file(&idx_key, idx), self.store.put_file(&pack_key, pack))?.1.size
            }
        };
        // From a store in a folder it is linked when it is needed.
        if self.store.is_remote() {
            self.keep_copy(hash, new).await?;
        }
        Ok(StoredPack {
            hash,
            nonce,
            size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
            object_count: i64::try_from(objects).unwrap_or(i64::MAX),
        })
    }

    async fn keep_copy(&self, hash: Oid, new: NewPack<'_>) -> HubResult<()> {
        let hash = hash.to_hex();
        let (pack, idx) = (self.path(&hash, "pack"), self.path(&hash, "idx"));
        match new {
            NewPack::Bytes { pack: pack_bytes, idx: idx_bytes } => {
                let (pack_bytes, idx_bytes) = (pack_bytes.clone(), idx_bytes.clone());
                let keep = move || keep_bytes(&pack_bytes, &pack).and_then(|()| keep_bytes(&idx_bytes, &idx));
                Ok(tokio::task::spawn_blocking(keep).await??)
            }
            NewPack::Files { pack: pack_file, idx: idx_file } => {
                let (pack_file, idx_file) = (pack_file.to_owned(), idx_file.to_owned());
                let keep = move || keep_file(&pack_file, &pack).and_then(|()| keep_file(&idx_file, &idx));
                Ok(tokio::task::spawn_blocking(keep).await??)
            }
        }
    }

    /// Brings a pack and its index into a repository's folder.
    pub(super) async fn link_pack(&self, hash: Oid, nonce: Option<i64>, repo: &Path) -> HubResult<()> {
        let folder = repo.join("objects/pack");
        let name = hash.to_hex();
        // The index last: git takes a pack for there when it sees the index.
        for (key, extension) in [(StorageKey::pack(&hash, nonce), "pack"), (StorageKey::pack_idx(&hash, nonce), "idx")] {
            let target = folder.join(format!("pack-{name}.{extension}"));
            let cached = self.path(&name, extension);
            if link(&cached, &target).await? {
                continue;
            }
            self.store.download(&key, &cached).await?;
            if !link(&cached, &target).await? {
                // Evicted since.
                self.store.download(&key, &target).await?;
            }
        }
        Ok(())
    }

    /// Removes a repository's folder and the packs that no other folder links to; gives the bytes freed.
    pub(super) fn drop_repo(&self, repo: &Path) -> std::io::Result<u64> {
        use std::os::unix::fs::MetadataExt as _;
        let mut freed = 0;
        for entry in std::fs::read_dir(repo.join("objects/pack"))? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            std::fs::remove_file(entry.path())?;
            if meta.nlink() <= self.links
                && let Some((hash, extension)) = name.strip_prefix("pack-").and_then(|file| file.split_once('.'))
            {
                match std::fs::remove_file(self.path(hash, extension)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => freed += meta.len(),
                }
            }
        }
        std::fs::remove_dir_all(repo)?;
        Ok(freed)
    }
}

/// Links to a file of the cache, unless it is linked already; `false` when there is no such file.
async fn link(cached: &Path, target: &Path) -> std::io::Result<bool> {
    match fs::hard_link(cached, target).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(true),
    }
}

/// Links a file into the cache. It must not turn out empty after a power cut.
fn keep_file(source: &Path, cached: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(cached.parent().unwrap_or(cached))?;
    std::fs::File::open(source)?.sync_data()?;
    match std::fs::hard_link(source, cached) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file into the cache: whole or not at all.
fn keep_bytes(bytes: &[u8], cached: &Path) -> std::io::Result<()> {
    let folder = cached.parent().unwrap_or(cached);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    // What is there already has the same bytes.
    file.persist(cached).map_err(|error| error.error)?;
    Ok(())
}
