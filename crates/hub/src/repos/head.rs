//! The derived metadata of a commit that is about to become the head of a branch.

use hub_git::{BuiltPack, GitReader};
use hub_types::{Oid, RefName, RepoType};

use super::metadata::{self, Before, HeadMetadata};
use super::queries::Repo;
use super::reading;
use crate::app::App;
use crate::error::HubResult;

/// What is derived from a commit if the branch is the default one.
#[derive(Debug, Clone)]
pub struct Derive(Option<(RepoType, Option<Before>)>);

impl Derive {
    /// For a branch of a repository.
    ///
    /// # Errors
    /// The default branch has no valid name.
    pub fn for_branch(repo: &Repo, branch: &RefName) -> HubResult<Self> {
        let is_default = *branch == repo.default_ref()?;
        Ok(Self(is_default.then(|| (repo.repo_type, Before::of(repo)))))
    }

    /// Derives the metadata, while `reader` has the repository open. Blocking. `pack` has the objects that the repository does
    /// not have yet.
    ///
    /// # Errors
    /// Objects are missing.
    pub fn of_commit(&self, reader: &GitReader, commit: Oid, pack: Option<&BuiltPack>) -> hub_git::Result<Option<HeadMetadata>> {
        let Some((repo_type, before)) = &self.0 else { return Ok(None) };
        pack.iter().try_for_each(|pack| reader.lend(pack))?;
        metadata::of_commit(reader, *repo_type, commit, before.as_ref()).map(Some)
    }
}

/// Derives the metadata of a commit that the repository has, if the branch is the default one.
///
/// # Errors
/// Objects are missing, or the store does not answer.
pub async fn metadata_if_default(app: &App, repo: &Repo, branch: &RefName, commit: Oid) -> HubResult<Option<HeadMetadata>> {
    let derive = Derive::for_branch(repo, branch)?;
    if derive.0.is_none() {
        return Ok(None);
    }
    reading::read(app, repo, move |reader| derive.of_commit(reader, commit, None)).await
}
