//! The large files that a repository's histories name, and deleting them for good.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use hub_git::{GitReader, LfsFile, rewrite_without};
use hub_types::{Oid, RefName, Sha256};

use super::access::{RepoRead, RepoWrite};
use super::changes::undoable_since;
use super::head::Derive;
use super::queries::changes::list_kept;
use super::queries::{self, RefRow, Repo};
use super::refs::{RefChange, RefUpdate, apply_ref_updates};
use super::{new_objects, reading};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;

/// A large file the repository holds.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// Where in history it is.
    pub file: LfsFile,
    /// When the repository got it.
    pub pushed_at: DateTime<Utc>,
    /// Whether the default branch has it now.
    pub in_head: bool,
}

/// Lists the large files that any history names and the repository holds: those of the default branch first. Histories that an
/// undo can bring back count, too: what they name takes room.
///
/// # Errors
/// Objects are missing, or the database does not answer.
pub async fn list(app: &App, read: &RepoRead) -> HubResult<Vec<StoredFile>> {
    let refs = queries::list_refs(&app.pool, read.repo.pk).await?;
    let kept = list_kept(&app.pool, read.repo.pk, undoable_since(app)).await?;
    // Read after these, so that what they reach is in its packs.
    let repo = queries::find_repo_by_pk(&app.pool, read.repo.pk).await?;
    let repo = &repo.ok_or_else(|| HubError::repo_not_found(false))?;
    let files = named_files(app, repo, &refs, &kept).await?;
    let default = default_oid(repo, &refs)?;
    let oids: Vec<Sha256> = files.iter().map(|file| file.pointer.oid).collect();
    let since = objects::list_held_since(&app.pool, repo.pk, &oids).await?;
    let stored = files.into_iter().filter_map(|file| {
        let pushed_at = *since.get(&file.pointer.oid)?;
        Some(StoredFile { in_head: Some(file.commit) == default, pushed_at, file })
    });
    Ok(stored.collect())
}

fn default_oid(repo: &Repo, refs: &[RefRow]) -> HubResult<Option<Oid>> {
    let name = repo.default_ref()?;
    Ok(refs.iter().find(|row| row.name == name).map(|row| row.oid))
}

/// Every LFS file of every ref, looked up from the default branch first, and of what refs were before changes that can be undone.
async fn named_files(app: &App, repo: &Repo, refs: &[RefRow], kept: &[RefRow]) -> HubResult<Vec<LfsFile>> {
    let default = repo.default_ref()?;
    let mut tips: Vec<Oid> = refs.iter().filter(|row| row.name == default).map(|row| row.oid).collect();
    tips.extend(refs.iter().filter(|row| row.name != default).chain(kept).map(|row| row.oid));
    reading::read(app, repo, move |reader| {
        let commits = tips.iter().map(|oid| reader.peel(*oid)).collect::<hub_git::Result<Vec<_>>>()?;
        reader.lfs_files(&commits.into_iter().flatten().collect::<Vec<_>>())
    })
    .await
}

/// The SHA-256 of every large file that a history of these refs names. `None` when that cannot be told, because a tag
/// leads to no commit.
///
/// # Errors
/// Objects are missing, or the store does not answer.
pub async fn named_oids(app: &App, repo: &Repo, refs: &[RefRow]) -> HubResult<Option<HashSet<Sha256>>> {
    let tips: Vec<Oid> = refs.iter().map(|row| row.oid).collect();
    reading::read(app, repo, move |reader| {
        let commits = tips.iter().map(|oid| reader.peel(*oid)).collect::<hub_git::Result<Option<Vec<_>>>>()?;
        let Some(commits) = commits else { return Ok(None) };
        Ok(Some(reader.lfs_files(&commits)?.into_iter().map(|file| file.pointer.oid).collect()))
    })
    .await
}

/// Checks that the repository has the large files in the history of a commit that a new ref is to name. A commit that no
/// ref reached for long may have lost some.
///
/// # Errors
/// 409 when some are gone that no other ref names either.
pub async fn check_held(app: &App, repo: &Repo, commit: Oid) -> HubResult<()> {
    let refs = queries::list_refs(&app.pool, repo.pk).await?;
    if refs.iter().any(|row| row.oid == commit) {
        return Ok(());
    }
    let named = reading::read(app, repo, move |reader| reader.lfs_files(&[commit])).await?;
    let oids: Vec<Sha256> = named.iter().map(|file| file.pointer.oid).collect();
    let held = objects::list_held(&app.pool, repo.pk, &oids).await?;
    if oids.iter().all(|oid| held.contains_key(oid)) {
        return Ok(());
    }
    // Files that were deleted for good leave pointers in the histories there are.
    let known = named_oids(app, repo, &refs).await?.unwrap_or_default();
    match oids.iter().find(|oid| !held.contains_key(*oid) && !known.contains(*oid)) {
        Some(oid) => Err(HubError::conflict(format!(
            "The history of {commit} names the large file {oid}, which was removed since no branch or tag leads there any more. \
             Upload it again first."
        ))),
        None => Ok(()),
    }
}

/// Deletes large files: the repository no longer holds their bytes. With `rewrite_history`, every ref's history is
/// made anew without them, so that no branch names what is gone. A file is named by its SHA-256 or its pointer's id. What only
/// an undo needed cannot be undone then.
///
/// # Errors
/// 404 for a file that is not there, 409 when somebody else moved a ref at the same time.
pub async fn delete(app: &App, write: &RepoWrite, ids: &[String], rewrite_history: bool) -> HubResult<()> {
    let _turn = app.writes.enter(write.repo.pk).await;
    let repo = queries::find_repo_by_pk(&app.pool, write.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
    let refs = queries::list_refs(&app.pool, repo.pk).await?;
    let kept = list_kept(&app.pool, repo.pk, undoable_since(app)).await?;
    let files = named_files(app, &repo, &refs, &kept).await?;
    let mut doomed: HashSet<Sha256> = HashSet::new();
    for id in ids {
        let names = |file: &&LfsFile| file.blob.to_hex() == *id || file.pointer.oid.to_hex() == *id;
        let file = files.iter().find(names).ok_or_else(HubError::entry_not_found)?;
        doomed.insert(file.pointer.oid);
    }
    if rewrite_history {
        // One object may have several pointers that differ by a byte.
        let blobs = files.iter().filter(|file| doomed.contains(&file.pointer.oid)).map(|file| file.blob).collect();
        rewrite(app, write, &repo, &refs, blobs).await?;
    }
    objects::unlink(app, repo.pk, &doomed.into_iter().collect::<Vec<_>>()).await?;
    Ok(())
}

async fn rewrite(app: &App, write: &RepoWrite, repo: &Repo, refs: &[RefRow], blobs: HashSet<Oid>) -> HubResult<()> {
    let tips: Vec<Oid> = refs.iter().map(|row| row.oid).collect();
    let (scratch, default) = (app.git.temp_dir(), repo.default_ref()?);
    let head = refs.iter().find(|row| row.name == default).map(|row| row.oid);
    let derive = Derive::for_branch(repo, &default)?;
    let built = reading::read(app, repo, move |reader: &GitReader| {
        let built = rewrite_without(reader, &scratch, &tips, &blobs)?;
        let metadata = match head.and_then(|head| built.tips.get(&head)) {
            Some(commit) => derive.of_commit(reader, *commit, built.pack.as_ref())?,
            None => None,
        };
        Ok((built, metadata))
    });
    let (built, metadata) = built.await?;
    let updates = moves(refs, &built.tips);
    if updates.is_empty() {
        return Ok(());
    }
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "delete_lfs_files",
        updates,
        metadata,
        packs: new_objects::store(app, built.pack).await?,
    };
    Ok(apply_ref_updates(app, change).await?)
}

fn moves(refs: &[RefRow], tips: &HashMap<Oid, Oid>) -> Vec<RefUpdate> {
    let update = |name: &RefName, old: Oid, new: Oid| RefUpdate { name: name.clone(), expected: Some(old), new: Some(new) };
    refs.iter().filter_map(|row| Some(update(&row.name, row.oid, *tips.get(&row.oid)?))).collect()
}
