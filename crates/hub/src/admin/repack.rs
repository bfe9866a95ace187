//! Joining the packs of many repositories at once: after an upgrade from a version that did not, or when jobs were off.

use super::{fsck, queries};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::git_cache::GitCache;
use crate::repos::repack::{self, Repacked};
use crate::repos::{Repo, queries as repo_queries};

/// Repositories asked for in one query.
const PAGE: i64 = 100;

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Repositories looked at.
    pub repos: u64,
    /// Those whose packs were joined.
    pub joined: u64,
}

/// Joins the packs of one repository (`ada/bert`, `datasets/ada/squad`) or of all, and tells of each where there was something
/// to do, or that it failed.
///
/// # Errors
/// There is no such repository, or the database does not answer.
pub async fn repack(app: &App, which: Option<&str>, mut tell: impl FnMut(String)) -> HubResult<Tally> {
    let mut tally = Tally::default();
    if let Some(id) = which {
        let repo = fsck::find(app, id).await?;
        one(app, &repo, &mut tally, &mut tell).await;
        return Ok(tally);
    }
    let mut last = 0;
    loop {
        let page = queries::list_repos_after(&app.pool, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok(tally) };
        last = *newest;
        for repo_pk in page {
            if let Some(repo) = repo_queries::find_repo_by_pk(&app.pool, repo_pk).await? {
                one(app, &repo, &mut tally, &mut tell).await;
            }
        }
    }
}

/// In a cache of its own: a hub that runs beside this may be reading the folders of its own one.
async fn joined(app: &App, repo: &Repo) -> HubResult<Repacked> {
    let scratch = tempfile::Builder::new().prefix("repack-").tempdir_in(app.git.temp_dir())?;
    let cache = GitCache::new(scratch.path().to_owned(), app.store.clone()).await?;
    repack::repack(app, &cache, repo.pk).await
}

async fn one(app: &App, repo: &Repo, tally: &mut Tally, tell: &mut impl FnMut(String)) {
    tally.repos += 1;
    let name = format!("{}/{}", repo.repo_type.plural(), repo.id);
    match joined(app, repo).await {
        Ok(Repacked { before, after }) if after < before => {
            tally.joined += 1;
            tell(format!("{name}: {before} packs became {after}"));
        }
        Ok(_) => {}
        Err(error) => tell(format!("{name}: {error}")),
    }
}
