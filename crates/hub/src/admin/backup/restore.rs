//! The way back from a backup, into a hub that is empty, with whatever store that has.

use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_storage::{StorageKey, Store};

use super::objects::{self, Inventory};
use super::{BackupError, DUMP, FORMAT, Folder, LIST, MANIFEST, Manifest, dump, queries};
use crate::config::Config;
use crate::db;

/// Objects worked on at once.
const AT_ONCE: usize = 4;
/// How many problems are told one by one.
const TOLD: usize = 20;

/// A backup in its folder.
struct Chosen {
    name: String,
    manifest: Manifest,
    objects: Inventory,
}

/// Opens a backup of a folder: the newest, or the one with a name. Its manifest and its list are those that were written.
fn choose(folder: &Folder, name: Option<&str>) -> Result<Chosen, BackupError> {
    let names = folder.names()?;
    let none = || BackupError::Refused(format!("There is no backup in {}.", folder.root.display()));
    let name = match name {
        None => names.last().ok_or_else(none)?,
        Some(name) => names
            .iter()
            .find(|one| *one == name)
            .ok_or_else(|| BackupError::Refused(format!("There is no backup `{name}`. There are: {}.", names.join(", "))))?,
    };
    let path = folder.path_of(name).join(MANIFEST);
    let text = std::fs::read(&path).map_err(BackupError::file(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| BackupError::Refused(format!("`{}` cannot be read: {error}.", path.display())))?;
    if manifest.format != FORMAT {
        return Err(BackupError::Refused(format!("The backup `{name}` was made by another hub ({}).", manifest.hub)));
    }
    let list = folder.path_of(name).join(LIST);
    if objects::digest_file(&list)? != manifest.list_sha256 {
        return Err(BackupError::Refused(format!("`{}` is damaged.", list.display())));
    }
    Ok(Chosen { name: name.clone(), manifest, objects: Inventory::read(&list)? })
}

/// Proves that a backup can be restored: reads all of its bytes. Gives its name, what it is made of, and what is wrong.
///
/// # Errors
/// There is no such backup, or its list cannot be read.
pub async fn verify(root: &Path, name: Option<&str>) -> Result<(String, Manifest, Vec<String>), BackupError> {
    let folder = Folder::open(root)?;
    let Chosen { name, manifest, objects } = choose(&folder, name)?;
    let mut problems = Vec::new();
    let file = folder.path_of(&name).join(DUMP);
    if objects::digest_file(&file)? != manifest.dump_sha256 {
        problems.push(format!("`{}` is damaged", file.display()));
    } else if let Err(error) = dump::read_contents(&file).await {
        problems.push(error.to_string());
    }
    let store = &folder.objects;
    let looks = stream::iter(&objects.0).map(async |(key, stored)| match store.digest(key).await {
        Ok(found) if found == *stored => None,
        Ok(_) => Some(format!("`{key}` is damaged")),
        Err(error) if error.is_not_found() => Some(format!("`{key}` is missing")),
        Err(error) => Some(format!("`{key}` cannot be read: {}", crate::start::with_causes(&error))),
    });
    let mut looks = std::pin::pin!(looks.buffer_unordered(AT_ONCE));
    while let Some(problem) = looks.next().await {
        problems.extend(problem);
    }
    let more = problems.len().saturating_sub(TOLD);
    problems.truncate(TOLD);
    if more > 0 {
        problems.push(format!("{more} more"));
    }
    Ok((name, manifest, problems))
}

/// Restores a backup into the hub of the settings, which must be empty and not run. What broke off can be begun again. Gives
/// the name of the backup and what it is made of.
///
/// # Errors
/// The hub is not empty, or something does not work; the database is then as it was.
pub async fn restore(
    config: &Config,
    database_url: &str,
    root: &Path,
    name: Option<&str>,
    mut tell: impl FnMut(String),
) -> Result<(String, Manifest), BackupError> {
    let folder = Folder::open(root)?;
    let Chosen { name, manifest, objects } = choose(&folder, name)?;
    let file = folder.path_of(&name).join(DUMP);
    if objects::digest_file(&file)? != manifest.dump_sha256 {
        return Err(BackupError::Refused(format!("`{}` is damaged.", file.display())));
    }
    check_database(database_url).await?;
    let store = Store::open(&config.store)?;
    store.ensure_bucket().await?;
    let there = list_there(&store, &objects).await?;
    tell(format!("Restoring `{name}`: {} objects, {} of them are there.", manifest.objects, there.len()));
    send(&folder.objects, &store, &objects, &there).await?;
    // The database last: it never names what is not there.
    tell("Restoring the database.".to_owned());
    empty_database(database_url).await?;
    dump::restore(database_url, &file).await?;
    forget_copies(&config.data_dir)?;
    Ok((name, manifest))
}

/// Refuses a database that anybody has used.
async fn check_database(url: &str) -> Result<(), BackupError> {
    let refuse = |text: &str| Err(BackupError::Refused(text.to_owned()));
    let pool = db::connect(url, 1).await?;
    let mut conn = pool.acquire().await?;
    let contents = queries::find_contents(&mut conn).await?;
    if contents.hubs > 0 {
        return refuse("A hub is using the database. Stop it first.");
    }
    if contents.tables > 0 && !contents.of_hub {
        return refuse("The database holds tables of something else. Name an empty one in DATABASE_URL.");
    }
    if contents.of_hub && queries::is_used(&mut conn).await? {
        return refuse("The hub is not empty: there are accounts or repositories. Restore into an empty one.");
    }
    Ok(())
}

async fn empty_database(url: &str) -> Result<(), BackupError> {
    let pool = db::connect(url, 1).await?;
    queries::drop_all(&mut *pool.acquire().await?).await?;
    pool.close().await;
    Ok(())
}

/// What the store has of a backup, from a restore that broke off. It must have nothing else.
async fn list_there(store: &Store, objects: &Inventory) -> Result<Vec<StorageKey>, BackupError> {
    let mut there = Vec::new();
    for folder in StorageKey::LASTING {
        let mut listed = store.list(folder);
        while let Some(info) = listed.try_next().await? {
            let key = StorageKey::of_content(info.key.as_str());
            match key.filter(|key| objects.0.get(key).is_some_and(|stored| stored.size == info.size)) {
                Some(key) => there.push(key),
                None => {
                    let text = format!("The store is not empty: `{}` is none of the backup's objects.", info.key);
                    return Err(BackupError::Refused(text));
                }
            }
        }
    }
    there.sort();
    Ok(there)
}

async fn send(from: &Store, to: &Store, objects: &Inventory, there: &[StorageKey]) -> Result<(), BackupError> {
    let missing = objects.0.iter().filter(|(key, _)| there.binary_search(key).is_err());
    let copies = stream::iter(missing)
        .map(async |(key, stored)| objects::copy(from, to, key, Some(stored.size), Some(stored.sha256)).await);
    let mut copies = std::pin::pin!(copies.buffer_unordered(AT_ONCE));
    while let Some(copy) = copies.next().await {
        copy?;
    }
    Ok(())
}

/// What this node remembers is of another hub, whose repositories may have had the same numbers.
fn forget_copies(data_dir: &Path) -> Result<(), BackupError> {
    for folder in ["cache", "search"] {
        let path = data_dir.join(folder);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(BackupError::file(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}
