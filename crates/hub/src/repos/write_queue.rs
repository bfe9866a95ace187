//! Lines up the writers of one repository on one node.
//!
//! The commit point's compare-and-swap is what keeps branches right, across nodes too; this only spares
//! writers on the same node from building commits that lose the race.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A lock per repository, kept while somebody waits for it.
#[derive(Debug, Clone)]
pub struct WriteQueue {
    locks: Cache<i64, Arc<Mutex<()>>>,
}

impl Default for WriteQueue {
    fn default() -> Self {
        Self { locks: Cache::builder().time_to_idle(Duration::from_secs(600)).build() }
    }
}

impl WriteQueue {
    /// Waits for the repository's turn.
    pub async fn enter(&self, repo_pk: i64) -> OwnedMutexGuard<()> {
        let lock = self.locks.get_with(repo_pk, Arc::default);
        lock.lock_owned().await
    }
}
