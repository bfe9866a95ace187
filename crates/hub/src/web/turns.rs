//! Locks by key, for work on one node that had better not be done twice at once. What must be right across nodes
//! is kept right by the database.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The right to do a key's work, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    /// Whether somebody else had it when it was asked for.
    pub has_waited: bool,
    _guard: OwnedMutexGuard<()>,
}

/// A lock per key, kept while somebody waits for it.
#[derive(Debug, Clone)]
pub struct Turns<K: Hash + Eq + Send + Sync + 'static> {
    locks: Cache<K, Arc<Mutex<()>>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Default for Turns<K> {
    fn default() -> Self {
        Self { locks: Cache::builder().time_to_idle(Duration::from_secs(3600)).build() }
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Turns<K> {
    /// Waits for the key's turn.
    pub async fn enter(&self, key: K) -> Turn {
        let lock = self.locks.get_with(key, Arc::default);
        match Arc::clone(&lock).try_lock_owned() {
            Ok(guard) => Turn { has_waited: false, _guard: guard },
            Err(_) => Turn { has_waited: true, _guard: lock.lock_owned().await },
        }
    }
}
