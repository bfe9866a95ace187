//! Making and deleting tags.

use hub_git::build_tag;
use hub_types::RefName;

use super::access::RepoWrite;
use super::refs::{RefChange, RefError, RefUpdate, apply_ref_updates};
use super::{lfs_files, new_objects, queries, reading};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Tags a revision: with a message by a tag object, else by a ref to the commit.
///
/// # Errors
/// 400 for a name that cannot be a tag's, 404 for an unknown revision, 409 when the tag exists.
pub async fn create_tag(app: &App, write: &RepoWrite, revision: &str, tag: &str, message: Option<&str>) -> HubResult<()> {
    let repo = &write.repo;
    let name = RefName::tag(tag).map_err(|_| HubError::bad_request(format!("`{}` is not a valid name for a tag", shown(tag))))?;
    let commit = reading::resolve(app, repo, revision).await?;
    if queries::find_ref(&app.pool, repo.pk, &name).await?.is_some() {
        return Err(HubError::ref_exists(&name));
    }
    lfs_files::check_held(app, repo, commit).await?;
    let (target, packs) = match message.map(str::trim).filter(|message| !message.is_empty()) {
        None => (commit, Vec::new()),
        Some(message) => {
            let (tagger, message, tag) = (new_objects::person(&write.viewer)?, message.to_owned(), tag.to_owned());
            let scratch = app.git.temp_dir();
            let build = move |reader: &hub_git::GitReader| build_tag(reader, &scratch, &tag, commit, &tagger, &message);
            let built = reading::read(app, repo, build).await?;
            (built.oid, new_objects::store(app, built.pack).await?)
        }
    };
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "create_tag",
        updates: vec![RefUpdate { name: name.clone(), expected: None, new: Some(target) }],
        packs,
        metadata: None,
    };
    match apply_ref_updates(app, change).await {
        Err(RefError::Conflict { .. }) => Err(HubError::ref_exists(&name)),
        other => Ok(other?),
    }
}

/// Deletes a tag.
///
/// # Errors
/// 404 for one that does not exist.
pub async fn delete_tag(app: &App, write: &RepoWrite, tag: &str) -> HubResult<()> {
    let repo = &write.repo;
    let missing = || HubError::revision_not_found(tag);
    let name = RefName::tag(tag).map_err(|_| missing())?;
    let present = queries::find_ref(&app.pool, repo.pk, &name).await?.ok_or_else(missing)?;
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "delete_tag",
        updates: vec![RefUpdate { name, expected: Some(present), new: None }],
        packs: Vec::new(),
        metadata: None,
    };
    Ok(apply_ref_updates(app, change).await?)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
