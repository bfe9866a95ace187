//! Finding repositories by name, for many requests at once.

use std::collections::HashMap;

use hub_types::RepoType;
use sqlx::PgPool;

use super::queries::{self, Repo};
use crate::error::HubResult;
use crate::together::Together;

/// A type, and namespace and name in lower case.
type Key = (RepoType, String, String);

/// Asks for repositories by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lookups(Together<Key, Repo>);

impl Lookups {
    /// Starts what asks the database. Must be called inside a runtime.
    pub fn start(pool: PgPool) -> Self {
        Self(Together::start(move |keys: Vec<Key>| {
            let pool = pool.clone();
            async move { queries::find_repos_by_name(&pool, &keys).await.map(by_key) }
        }))
    }

    /// Finds a repository by its present name, whatever the case.
    ///
    /// # Errors
    /// 503 when the database does not answer.
    pub async fn find(&self, repo_type: RepoType, namespace: &str, name: &str) -> HubResult<Option<Repo>> {
        self.0.find((repo_type, namespace.to_ascii_lowercase(), name.to_ascii_lowercase())).await
    }
}

fn by_key(repos: Vec<Repo>) -> HashMap<Key, Repo> {
    let key = |repo: &Repo| (repo.repo_type, repo.id.namespace().to_ascii_lowercase(), repo.id.name().to_ascii_lowercase());
    repos.into_iter().map(|repo| (key(&repo), repo)).collect()
}
