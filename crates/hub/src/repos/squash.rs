//! Making one commit of a branch's whole history.

use hub_git::{CommitMeta, commit_tree};
use hub_types::Oid;

use super::access::RepoWrite;
use super::head::Derive;
use super::refs::{RefChange, RefUpdate, apply_replacing};
use super::{new_objects, reading};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// The longest message, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Replaces the history of a branch by one commit with the same files, and gives its id.
///
/// # Errors
/// 404 for an unknown branch, 409 when somebody else moved it at the same time.
pub async fn super_squash(app: &App, write: &RepoWrite, branch: &str, message: &str) -> HubResult<Oid> {
    let repo = &write.repo;
    if message.chars().count() > MAX_MESSAGE_CHARS {
        return Err(HubError::bad_request(format!("The message has more than {MAX_MESSAGE_CHARS} characters.")));
    }
    let (name, present) = reading::resolve_branch(app, repo, branch).await?;
    let message = match message.trim() {
        "" => format!("Squash the history of {branch}"),
        message => message.to_owned(),
    };
    let author = new_objects::person(&write.viewer)?;
    let meta = CommitMeta { committer: author.clone(), author, message };
    let (scratch, derive) = (app.git.temp_dir(), Derive::for_branch(repo, &name)?);
    let built = reading::read(app, repo, move |reader| {
        let built = commit_tree(reader, &scratch, reader.tree_of(present)?, &[], &meta)?;
        let metadata = derive.of_commit(reader, built.commit, built.pack.as_ref())?;
        Ok((built, metadata))
    });
    let (built, metadata) = built.await?;
    let replaced = name.clone();
    let change = RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "super_squash",
        metadata,
        updates: vec![RefUpdate { name, expected: Some(present), new: Some(built.commit) }],
        packs: new_objects::store(app, built.pack).await?,
    };
    apply_replacing(app, change, &[replaced]).await?;
    Ok(built.commit)
}
