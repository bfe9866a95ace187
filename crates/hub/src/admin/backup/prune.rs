//! Letting go of old backups, and of objects that none of the others names.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use futures::TryStreamExt as _;
use hub_storage::StorageKey;

use super::objects::{Copied, Inventory};
use super::{BackupError, Folder, LIST};

/// Removes all but the newest backups; gives how many objects went with them.
pub(super) async fn keep_newest(folder: &Folder, count: NonZeroUsize) -> Result<Copied, BackupError> {
    let names = folder.names()?;
    let (old, kept) = names.split_at(names.len().saturating_sub(count.get()));
    // Read before anything is removed: a list that cannot be read keeps everything.
    let mut needed: HashSet<StorageKey> = HashSet::new();
    for name in kept {
        needed.extend(Inventory::read(&folder.path_of(name).join(LIST))?.0.into_keys());
    }
    for name in old {
        // Under a name that nobody takes for a backup first.
        let (path, going) = (folder.path_of(name), folder.path_of(&format!(".{name}")));
        std::fs::rename(&path, &going).map_err(BackupError::file(&path))?;
        std::fs::remove_dir_all(&going).map_err(BackupError::file(&going))?;
    }
    let mut removed = Copied::default();
    for part in StorageKey::LASTING {
        let listed: Vec<_> = folder.objects.list(part).try_collect().await?;
        for info in listed {
            if StorageKey::of_content(info.key.as_str()).is_some_and(|key| !needed.contains(&key)) {
                folder.objects.delete(&info.key).await?;
                removed.count += 1;
                removed.bytes += info.size;
            }
        }
    }
    Ok(removed)
}
