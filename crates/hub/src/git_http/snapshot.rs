use hub_git::RepoView;
use hub_types::{Oid, RefName};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::git_cache::RepoDir;
use crate::repos::{Repo, queries};

/// A repository's refs at one moment, and its objects on this node's disk: at least all that the refs reach.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The repository's row, read after the refs; but its `held_generation` is from before them, since what the refs
    /// reached then counts as checked.
    pub(crate) repo: Repo,
    /// The refs.
    pub(crate) refs: Vec<(RefName, Oid)>,
    /// What `HEAD` is.
    pub(crate) head: RefName,
    /// Keeps the objects from being evicted.
    pub(crate) dir: RepoDir,
}

impl Snapshot {
    pub(crate) async fn read(app: &App, repo: &Repo) -> HubResult<Self> {
        let refs = queries::list_refs(&app.pool, repo.pk).await?;
        // Asked again after the refs: what they reach is in the packs known by then.
        let now = queries::find_repo_by_pk(&app.pool, repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?;
        let repo = Repo { held_generation: repo.held_generation, ..now };
        let dir = app.git.open(&app.pool, &repo).await?;
        let refs = refs.into_iter().map(|row| (row.name, row.oid)).collect();
        Ok(Self { refs, head: repo.default_ref()?, repo, dir })
    }

    /// Makes the folder that `git` works on.
    pub(crate) async fn view(&self, app: &App) -> HubResult<RepoView> {
        let (scratch, base) = (app.git.temp_dir(), self.dir.path().to_owned());
        let (head, refs) = (self.head.clone(), self.refs.clone());
        let made = tokio::task::spawn_blocking(move || RepoView::create(&scratch, &base, &head, &refs));
        Ok(made.await??)
    }
}
