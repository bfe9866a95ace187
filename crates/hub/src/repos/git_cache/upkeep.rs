//! Keeps the cache within its size, and clears up after a process that was killed.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::{GitCache, REPLACED, Shared};
use crate::clock;
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
    let (repos, temp, shared) = (cache.inner.root.join("repos"), cache.temp_dir(), cache.inner.shared.clone());
    let known = tokio::task::spawn_blocking(move || {
        // With a wrong clock, nothing is old.
        let before = clock::check_ages().map_or(SystemTime::UNIX_EPOCH, |()| SystemTime::now() - ABANDONED);
        remove_abandoned(&temp, before)?;
        let mut known = names(&repos)?;
        remove_replaced(&repos, &mut known, &shared, before);
        remove_unlinked(shared.dir(), before)?;
        std::io::Result::Ok(known)
    });
    // Folders that an earlier process made count, and can be evicted like the others.
    for name in known.await?? {
        cache.adopt(&name);
    }
    cache.evict(limit_bytes).await
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Takes those out in whose place another folder is, and removes what a process left of them that was killed.
fn remove_replaced(repos: &Path, known: &mut Vec<String>, shared: &Shared, before: SystemTime) {
    known.retain(|name| {
        let folder = repos.join(name);
        let Ok(marker) = folder.join(REPLACED).metadata() else { return true };
        if marker.modified().is_ok_and(|time| time < before)
            && let Err(error) = shared.drop_repo(&folder)
        {
            tracing::warn!(path = %folder.display(), %error, "a folder of joined packs cannot be removed");
        }
        false
    });
}

/// Removes copies of packs that no folder links to: their commits were refused.
fn remove_unlinked(packs: &Path, before: SystemTime) -> std::io::Result<()> {
    for shard in std::fs::read_dir(packs)? {
        for file in std::fs::read_dir(shard?.path())? {
            let file = file?;
            // Evicted meanwhile, or never to be used.
            let Ok(meta) = file.metadata() else { continue };
            if meta.nlink() == 1 && meta.modified()? < before {
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
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
        std::fs::write(root.join("packs/aa/aacc.pack"), [0; 500]).unwrap();
        let unused = std::fs::File::options().write(true).open(root.join("packs/aa/aacc.pack")).unwrap();
        unused.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        std::fs::create_dir(root.join("tmp/quarantine-old")).unwrap();
        std::fs::write(root.join("tmp/spool-new"), "x").unwrap();
        let old = std::fs::File::open(root.join("tmp/quarantine-old")).unwrap();
        old.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();

        // In the place of one folder there is another, which the process did not come to remove.
        for name in ["5002", "5003"] {
            std::fs::create_dir_all(root.join("repos").join(name).join("objects/pack")).unwrap();
            std::fs::write(root.join("repos").join(name).join(REPLACED), "").unwrap();
        }
        let old = std::fs::File::options().write(true).open(root.join("repos/5003").join(REPLACED)).unwrap();
        old.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();

        tidy(&cache, 1000).await.unwrap();
        assert!(root.join("repos/5002").exists() && !root.join("repos/5003").exists());
        assert!(root.join("repos/5001").exists(), "within the limit");
        assert!(!root.join("packs/aa/aacc.pack").exists(), "nobody links to it");
        assert_eq!(names(&root.join("tmp")).unwrap(), ["spool-new"]);

        tidy(&cache, 999).await.unwrap();
        assert!(!root.join("repos/5001").exists());
        assert!(!root.join("packs/aa/aabb.pack").exists());
    }
}
