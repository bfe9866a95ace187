use bytes::Bytes;
use hub_types::Sha256;
use sha2::{Digest, Sha256 as Hasher};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Result;

/// Computes a SHA-256 off the async threads, one batch of chunks while the next one comes in.
pub(crate) struct BackgroundHash {
    state: State,
}

enum State {
    Idle(Hasher),
    Busy(JoinHandle<Hasher>),
}

impl BackgroundHash {
    pub(crate) fn new() -> Self {
        Self { state: State::Idle(Hasher::new()) }
    }

    /// Begins to hash these bytes; waits for those before them.
    pub(crate) async fn update(&mut self, chunks: Vec<Bytes>) -> Result<()> {
        let mut hasher = self.so_far().await?;
        let hash = move || {
            chunks.iter().for_each(|chunk| hasher.update(chunk));
            hasher
        };
        self.state = State::Busy(spawn_blocking(hash));
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<Sha256> {
        Ok(Sha256::from_bytes(self.so_far().await?.finalize().into()))
    }

    async fn so_far(&mut self) -> Result<Hasher> {
        match std::mem::replace(&mut self.state, State::Idle(Hasher::new())) {
            State::Idle(hasher) => Ok(hasher),
            State::Busy(task) => Ok(task.await?),
        }
    }
}
