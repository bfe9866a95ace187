//! Lists of objects with their sums, and copying objects from one store to another.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use futures::{StreamExt as _, stream};
use hub_storage::{Expect, StorageKey, Store, Stored};
use hub_types::Sha256;
use sha2::Digest as _;

use super::{BackupError, Folder, LIST};
use crate::admin::named::Named;

/// Objects copied at once.
const AT_ONCE: usize = 4;
/// How much of a file is hashed at once, in bytes.
const BLOCK: usize = 1024 * 1024;
/// How many copies there are between two words about how far it is.
const TELL_EVERY: u64 = 10_000;

/// Objects with their sizes and sums.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventory(pub(super) BTreeMap<StorageKey, Stored>);

impl Inventory {
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(|stored| stored.size).sum()
    }

    /// Writes a line for each: key, size, SHA-256.
    pub(super) fn write(&self, path: &Path) -> Result<(), BackupError> {
        let write = || {
            let mut file = BufWriter::new(std::fs::File::create(path)?);
            for (key, stored) in &self.0 {
                writeln!(file, "{key}\t{}\t{}", stored.size, stored.sha256)?;
            }
            file.flush()
        };
        write().map_err(BackupError::file(path))
    }

    /// Reads what [`Inventory::write`] wrote.
    pub(super) fn read(path: &Path) -> Result<Self, BackupError> {
        let file = std::fs::File::open(path).map_err(BackupError::file(path))?;
        let mut objects = BTreeMap::new();
        for line in BufReader::new(file).lines() {
            let line = line.map_err(BackupError::file(path))?;
            let damaged = || BackupError::Refused(format!("`{}` is damaged: there is a line `{line}`.", path.display()));
            let (key, stored) = parse_line(&line).ok_or_else(damaged)?;
            objects.insert(key, stored);
        }
        Ok(Self(objects))
    }
}

fn parse_line(line: &str) -> Option<(StorageKey, Stored)> {
    let mut columns = line.split('\t');
    let key = StorageKey::of_content(columns.next()?)?;
    let size = columns.next()?.parse().ok()?;
    let sha256 = columns.next()?.parse().ok()?;
    Some((key, Stored { sha256, size }))
}

/// What the newest backup in a folder has.
pub(super) fn read_known(folder: &Folder) -> Result<Inventory, BackupError> {
    match folder.names()?.last() {
        Some(name) => Inventory::read(&folder.path_of(name).join(LIST)),
        None => Ok(Inventory::default()),
    }
}

/// How much was copied, or removed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Copied {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// Copies into `to` what it does not have, and gives what it has then, with sums. `known` are sums from before.
pub(super) async fn copy_missing(
    from: &Store,
    to: &Store,
    named: Vec<Named>,
    known: Inventory,
    tell: &mut impl FnMut(String),
) -> Result<(Inventory, Copied), BackupError> {
    let known = &known;
    let total = named.len();
    let mut copies = stream::iter(named)
        .map(async |object| {
            let (stored, is_new) = have(from, to, &object, known).await?;
            Ok::<_, hub_storage::Error>((object.key, stored, is_new))
        })
        .buffer_unordered(AT_ONCE);
    let (mut inventory, mut copied) = (Inventory::default(), Copied::default());
    while let Some(copy) = copies.next().await {
        let (key, stored, is_new) = copy?;
        inventory.0.insert(key, stored);
        if is_new {
            copied.count += 1;
            copied.bytes += stored.size;
        }
        if inventory.count().is_multiple_of(TELL_EVERY) {
            tell(format!("{} of {total} objects are there, {} of them new.", inventory.count(), copied.count));
        }
    }
    Ok((inventory, copied))
}

/// Sees to it that `to` has an object; whether it was copied for that.
async fn have(from: &Store, to: &Store, object: &Named, known: &Inventory) -> hub_storage::Result<(Stored, bool)> {
    match to.head(&object.key).await {
        Ok(there) if object.size.is_none_or(|size| size == there.size) => {
            let before = known.0.get(&object.key).filter(|stored| stored.size == there.size);
            // One that a backup copied which did not end has no sum yet.
            let stored = match before {
                Some(stored) => *stored,
                None => to.digest(&object.key).await?,
            };
            if object.sha256.is_none_or(|sha256| sha256 == stored.sha256) {
                return Ok((stored, false));
            }
        }
        Ok(_) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    Ok((copy(from, to, &object.key, object.size, object.sha256).await?, true))
}

/// Copies an object, which must have this size and sum where they are known.
pub(super) async fn copy(
    from: &Store,
    to: &Store,
    key: &StorageKey,
    size: Option<u64>,
    sha256: Option<Sha256>,
) -> hub_storage::Result<Stored> {
    let object = from.get_stream(key, None).await?;
    let size = size.unwrap_or(object.size);
    to.put_stream(key, object.stream, Expect { sha256, size: Some(size), max_size: size }).await
}

/// The SHA-256 of a file of a backup, as text.
pub(super) fn digest_file(path: &Path) -> Result<String, BackupError> {
    let digest = || {
        let (mut file, mut hash) = (std::fs::File::open(path)?, sha2::Sha256::new());
        let mut block = vec![0; BLOCK];
        loop {
            let read = file.read(&mut block)?;
            let Some(part) = block.get(..read).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
        }
        Ok(hex::encode(hash.finalize()))
    };
    digest().map_err(BackupError::file(path))
}

#[cfg(test)]
mod tests {
    use hub_types::Oid;

    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LIST);
        let stored = |byte: u8| Stored { sha256: Sha256::from_bytes([byte; 32]), size: u64::from(byte) };
        let pack: Oid = "1".repeat(40).parse().unwrap();
        let keys = [
            StorageKey::pack(&pack, Some(5)),
            StorageKey::pack_idx(&pack, None),
            StorageKey::lfs(&Sha256::from_bytes([7; 32]), Some(9)),
        ];
        let list = Inventory(keys.into_iter().zip((1..).map(stored)).collect());
        list.write(&path).unwrap();
        assert_eq!(Inventory::read(&path).unwrap().0, list.0);
        assert_eq!((list.count(), list.bytes()), (3, 6));
        std::fs::write(&path, "git/../../etc/passwd\t1\tx\n").unwrap();
        assert!(Inventory::read(&path).unwrap_err().to_string().contains("is damaged"));
    }
}
