//! How much a repository holds, and how much the hub keeps for it: what several files share is kept once.

use std::collections::HashMap;

use super::queries::{self, Repo};
use crate::app::App;
use crate::error::HubResult;

/// The bytes of a repository or an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageUse {
    /// The sizes of all large files and of git's packs, summed up.
    pub logical_bytes: u64,
    /// What the hub keeps for them: each chunk once. What other repositories share is counted for each of them.
    pub stored_bytes: u64,
}

impl StorageUse {
    /// Adds up a repository's files, of all its histories.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_repo(app: &App, repo: &Repo) -> HubResult<Self> {
        let sums = queries::usage::of_groups(&app.pool, &[repo.pk], &[repo.pk]).await?;
        Ok(sums.get(&repo.pk).copied().unwrap_or_default())
    }

    /// Adds up everything that belongs to each of these accounts. Accounts without repositories are missing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_namespaces(app: &App, namespaces: &[i64]) -> HubResult<HashMap<i64, Self>> {
        let repos = queries::usage::list_repos(&app.pool, namespaces).await?;
        let (repos, groups): (Vec<_>, Vec<_>) = repos.into_iter().unzip();
        Ok(queries::usage::of_groups(&app.pool, &repos, &groups).await?)
    }

    /// Whether sharing saves something worth telling.
    pub fn saves(&self) -> bool {
        // Compression alone, of a hundredth, is not.
        self.stored_bytes < self.logical_bytes - self.logical_bytes / 100
    }
}
