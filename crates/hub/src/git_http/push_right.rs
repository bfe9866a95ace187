use std::ops::Deref as _;

use crate::app::App;
use crate::error::HubResult;
use crate::repos::discussions;
use crate::repos::{RepoRead, RepoWrite};

/// The right to push: to all of a repository, or to some pull requests of it only.
#[derive(Debug)]
pub(crate) struct PushRight {
    read: RepoRead,
    writes: bool,
    /// The pull requests whose commits may be changed.
    pulls: Vec<i64>,
}

impl PushRight {
    /// Checks that the viewer may push anything at all: they may write, or have opened a pull request that goes on.
    ///
    /// # Errors
    /// 401 or 403 for others.
    pub(crate) async fn of(app: &App, read: RepoRead) -> HubResult<Self> {
        let pulls = discussions::numbers_to_push(app, &read).await?;
        if !pulls.is_empty()
            && let Ok(content) = read.clone().into_content(app).await
            && read.clone().into_write().is_err()
        {
            return Ok(Self { read: content.deref().clone(), writes: false, pulls });
        }
        let write: RepoWrite = read.into_write()?;
        Ok(Self { read: write.deref().clone(), writes: true, pulls })
    }

    /// The repository and who pushes.
    pub(crate) fn read(&self) -> &RepoRead {
        &self.read
    }

    /// Whether branches and tags may be pushed, too.
    pub(crate) fn writes(&self) -> bool {
        self.writes
    }

    /// Whether the commits of a pull request may be changed.
    pub(crate) fn may_change_pull(&self, num: i64) -> bool {
        self.pulls.contains(&num)
    }
}
