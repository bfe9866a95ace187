//! Making and deleting branches.

use hub_git::{CommitMeta, CommitPlan, build_commit};
use hub_types::{Oid, RefName};

use super::access::RepoWrite;
use super::head::Derive;
use super::metadata::HeadMetadata;
use super::refs::{RefChange, RefError, RefUpdate, StoredPack, apply_ref_updates, apply_replacing};
use super::{head, lfs_files, new_objects, queries, reading};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// A branch to make.
#[derive(Debug, Clone, Default)]
pub struct NewBranch {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// The revision it starts at; `None`: the default branch.
    pub starting_point: Option<String>,
    /// Whether it starts without files and without history instead.
    pub empty: bool,
    /// Whether a branch of that name may be moved there.
    pub overwrite: bool,
}

/// Makes a branch.
///
/// # Errors
/// 400 for a name that cannot be a branch's, 404 for an unknown starting point, 409 when the branch exists.
pub async fn create_branch(app: &App, write: &RepoWrite, new: &NewBranch) -> HubResult<Oid> {
    let repo = &write.repo;
    let name = RefName::branch(&new.name).map_err(|_| HubError::bad_branch_name())?;
    let present = queries::find_ref(&app.pool, repo.pk, &name).await?;
    if present.is_some() && !new.overwrite {
        return Err(HubError::ref_exists(&name));
    }
    let start = new.starting_point.as_ref().unwrap_or(&repo.default_branch);
    let (target, packs, metadata) = match new.empty {
        true => empty_commit(app, write, Derive::for_branch(repo, &name)?).await?,
        false => {
            let target = reading::resolve(app, repo, start).await?;
            (target, Vec::new(), head::metadata_if_default(app, repo, &name, target).await?)
        }
    };
    if present == Some(target) {
        return Ok(target);
    }
    if !new.empty {
        lfs_files::check_held(app, repo, target).await?;
    }
    let leaves_history = match present {
        // An empty branch contains nothing of before.
        Some(old) => new.empty || !reading::read(app, repo, move |reader| reader.is_ancestor(old, target)).await?,
        None => false,
    };
    let replaced = if leaves_history { vec![name.clone()] } else { Vec::new() };
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "create_branch",
        metadata,
        updates: vec![RefUpdate { name: name.clone(), expected: present, new: Some(target) }],
        packs,
    };
    match apply_replacing(app, change, &replaced).await {
        Ok(()) => Ok(target),
        Err(RefError::Conflict { .. }) if present.is_none() => Err(HubError::ref_exists(&name)),
        Err(error) => Err(error.into()),
    }
}

/// A commit without files, its pack, and what pages show of it if the branch is the default one.
async fn empty_commit(app: &App, write: &RepoWrite, derive: Derive) -> HubResult<(Oid, Vec<StoredPack>, Option<HeadMetadata>)> {
    let author = new_objects::person(&write.viewer)?;
    let meta = CommitMeta { committer: author.clone(), author, message: "initial commit".to_owned() };
    let scratch = app.git.temp_dir();
    let built = reading::read(app, &write.repo, move |reader| {
        let plan = CommitPlan { parent: None, changes: &[], meta: &meta, cover_lfs: false };
        let built = build_commit(reader, &scratch, plan)?;
        let metadata = derive.of_commit(reader, built.commit, built.pack.as_ref())?;
        Ok((built, metadata))
    });
    let (built, metadata) = built.await?;
    Ok((built.commit, new_objects::store(app, built.pack).await?, metadata))
}

/// Deletes a branch.
///
/// # Errors
/// 403 for the default branch, 404 for one that does not exist.
pub async fn delete_branch(app: &App, write: &RepoWrite, name: &str) -> HubResult<()> {
    let repo = &write.repo;
    let missing = || HubError::revision_not_found(name);
    let name = RefName::branch(name).map_err(|_| missing())?;
    if name == repo.default_ref()? {
        return Err(HubError::forbidden(format!("Cannot delete {name}")));
    }
    let present = queries::find_ref(&app.pool, repo.pk, &name).await?.ok_or_else(missing)?;
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "delete_branch",
        updates: vec![RefUpdate { name, expected: Some(present), new: None }],
        packs: Vec::new(),
        metadata: None,
    };
    Ok(apply_ref_updates(app, change).await?)
}
