//! The derived metadata of a commit that is about to become the head of a branch.

use hub_git::BuiltPack;
use hub_types::{Oid, RefName};

use super::metadata::{self, Before, HeadMetadata};
use super::queries::Repo;
use super::reading;
use crate::app::App;
use crate::error::HubResult;

/// Derives the metadata if the branch is the default one; `pack` holds objects the repository does not have yet.
///
/// # Errors
/// Objects are missing, or the store does not answer.
pub async fn metadata_if_default(
    app: &App,
    repo: &Repo,
    branch: &RefName,
    commit: Oid,
    pack: Option<&BuiltPack>,
) -> HubResult<Option<HeadMetadata>> {
    if *branch != repo.default_ref()? {
        return Ok(None);
    }
    let (repo_type, before) = (repo.repo_type, Before::of(repo));
    let objects = pack.map(BuiltPack::objects_dir);
    let derive = move |reader: &hub_git::GitReader| metadata::of_commit(reader, repo_type, commit, before.as_ref());
    reading::read_with_objects(app, repo, objects, derive).await.map(Some)
}
