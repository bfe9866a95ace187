//! Keeps the cache within its size, and clears up after a process that was killed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::GitCache;
use crate::error::HubResult;

const PERIOD: Duration = Duration::from_secs(300);
/// No quarantine and no spooled body is in use for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Looks after the cache until told to stop.
pub async fn keep_tidy(cache: GitCache, limit_bytes: u64, stop: CancellationToken) {
    let tidying = async {
        loop {
            if let Err(error) = tidy(&cache, limit_bytes).await {
                tracing::warn!(cause = ?std::error::Error::source(&error), "the cache could not be tidied: {error}");
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    stop.run_until_cancelled(tidying).await;
}

async fn tidy(cache: &GitCache, limit_bytes: u64) -> HubResult<()> {
    let (repos, temp) = (cache.inner.root.join("repos"), cache.temp_dir());
    let known = tokio::task::spawn_blocking(move || {
        remove_abandoned(&temp, SystemTime::now() - ABANDONED)?;
        names(&repos)
    });
    // Folders that an earlier process made count, and can be evicted like the others.
    for name in known.await?? {
        if let Ok(repo_pk) = name.parse() {
            cache.entry(repo_pk);
        }
    }
    cache.evict(limit_bytes).await
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove_abandoned(folder: &Path, before: SystemTime) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(meta) = entry.metadata() else { continue };
        if meta.modified()? > before {
            continue;
        }
        let removed = match meta.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        // Another process may tidy the same folder.
        if let Err(error) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_storage::{Store, StoreConfig};

    #[tokio::test]
    async fn what_a_killed_process_left_is_cleared_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::Local { dir: dir.path().join("store") }).unwrap();
        let root = dir.path().join("cache");
        let cache = GitCache::new(root.clone(), store).await.unwrap();
        std::fs::create_dir_all(root.join("repos/5001/objects/pack")).unwrap();
        std::fs::create_dir_all(root.join("packs/aa")).unwrap();
        std::fs::write(root.join("packs/aa/aabb.pack"), [0; 1000]).unwrap();
        std::fs::hard_link(root.join("packs/aa/aabb.pack"), root.join("repos/5001/objects/pack/pack-aabb.pack")).unwrap();
        std::fs::create_dir(root.join("tmp/quarantine-old")).unwrap();
        std::fs::write(root.join("tmp/spool-new"), "x").unwrap();
        let old = std::fs::File::open(root.join("tmp/quarantine-old")).unwrap();
        old.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();

        tidy(&cache, 1000).await.unwrap();
        assert!(root.join("repos/5001").exists(), "within the limit");
        assert_eq!(names(&root.join("tmp")).unwrap(), ["spool-new"]);

        tidy(&cache, 999).await.unwrap();
        assert!(!root.join("repos/5001").exists());
        assert!(!root.join("packs/aa/aabb.pack").exists());
    }
}
