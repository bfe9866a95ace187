//! The node's copies of packs, which the folders of repositories link to.

use std::path::{Path, PathBuf};

use hub_storage::{StorageKey, Store};
use hub_types::Oid;
use tokio::fs;

use crate::error::HubResult;
use crate::repos::queries::packs::PackRow;
use crate::repos::refs::StoredPack;

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
        let links = if store.supports_presign() { 2 } else { 3 };
        Self { dir, store, links }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, hash: &str, extension: &str) -> PathBuf {
        self.dir.join(hash.get(..2).unwrap_or_default()).join(format!("{hash}.{extension}"))
    }

    pub(super) async fn store_pack(&self, hash: Oid, pack: &Path, idx: &Path, objects: u64) -> HubResult<StoredPack> {
        let nonce = StorageKey::fresh_nonce();
        self.store.put_file(&StorageKey::pack_idx(&hash, Some(nonce)), idx).await?;
        let stored = self.store.put_file(&StorageKey::pack(&hash, Some(nonce)), pack).await?;
        // From a store in a folder it is linked when it is needed.
        if self.store.supports_presign() {
            for (source, extension) in [(pack, "pack"), (idx, "idx")] {
                self.keep_copy(&hash, source, extension).await?;
            }
        }
        Ok(StoredPack {
            hash,
            nonce,
            size_bytes: i64::try_from(stored.size).unwrap_or(i64::MAX),
            object_count: i64::try_from(objects).unwrap_or(i64::MAX),
        })
    }

    async fn keep_copy(&self, hash: &Oid, source: &Path, extension: &str) -> std::io::Result<()> {
        let cached = self.path(&hash.to_hex(), extension);
        if let Some(parent) = cached.parent() {
            fs::create_dir_all(parent).await?;
        }
        // A cache file must not turn out empty after a power cut.
        fs::File::open(source).await?.sync_data().await?;
        match fs::hard_link(source, cached).await {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Brings a pack and its index into a repository's folder.
    pub(super) async fn link_pack(&self, pack: &PackRow, repo: &Path) -> HubResult<()> {
        let PackRow { hash, nonce, .. } = pack;
        let folder = repo.join("objects/pack");
        // The index last: git takes a pack for there when it sees the index.
        for (key, extension) in [(StorageKey::pack(hash, *nonce), "pack"), (StorageKey::pack_idx(hash, *nonce), "idx")] {
            let target = folder.join(format!("pack-{hash}.{extension}"));
            if fs::try_exists(&target).await? {
                continue;
            }
            let cached = self.path(&hash.to_hex(), extension);
            if !fs::try_exists(&cached).await? {
                self.store.download(&key, &cached).await?;
            }
            match fs::hard_link(&cached, &target).await {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                // Evicted since the look above.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.store.download(&key, &target).await?;
                }
                other => other?,
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
