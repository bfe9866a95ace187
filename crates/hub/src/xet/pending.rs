//! Xorbs that no file names yet. What repositories hold is counted by their files, so these would escape every limit: they count for
//! the owner they were sent for, next to what the owner holds, until files name half of them. From then on the files count.
//!
//! What is counted in the database is relied on for a few seconds, and what this process takes in meanwhile is added to it: most xorbs
//! cost no statement.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::queries;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas::{self, Room};

/// How long what was counted is relied on.
const FRESH: Duration = Duration::from_secs(5);
/// What is let in beyond the limit and a 64th of it.
const SLACK_BYTES: u64 = 64 * 1024;

/// For whom a xorb is sent.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    /// The repository.
    pub repo_pk: i64,
    /// Its owner.
    pub namespace_pk: i64,
    /// How long the body will be, in bytes, if that was announced.
    pub announced: u64,
}

/// What this process knows of an owner.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// Held by who counts.
    counting: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counted_at: Option<Instant>,
    /// Nothing when there is no limit.
    room: Option<Room>,
    /// What was counted, and what was kept since, in bytes.
    pending: u64,
    /// What is on its way.
    coming: u64,
}

/// Room for a xorb on its way.
#[derive(Debug)]
pub(super) struct Reserved {
    owner: Arc<Owner>,
    bytes: u64,
}

impl Reserved {
    /// Finds room for the rest of a body that is longer than was announced, as one is whose length was not.
    ///
    /// # Errors
    /// 413 when there is none.
    pub(super) async fn grow(&mut self, app: &App, sender: &Sender, bytes: u64) -> HubResult<()> {
        if bytes > self.bytes {
            self.owner.make_room(app, sender, bytes - self.bytes).await?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// The xorb is in the store, and counts.
    pub(super) fn keep(&self) {
        let mut state = self.owner.state();
        state.pending = state.pending.saturating_add(self.bytes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut state = self.owner.state();
        state.coming = state.coming.saturating_sub(self.bytes);
    }
}

/// Finds room for a xorb that is not here yet. It is given back when the answer is dropped.
///
/// # Errors
/// 413 when there is none.
pub(super) async fn reserve(app: &App, sender: &Sender) -> HubResult<Reserved> {
    let owner = app.xet.owners.get_with(sender.namespace_pk, async { Arc::default() }).await;
    owner.make_room(app, sender, sender.announced).await?;
    Ok(Reserved { owner, bytes: sender.announced })
}

impl Owner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stale(&self) -> bool {
        self.state().counted_at.is_none_or(|at| at.elapsed() > FRESH)
    }

    async fn make_room(&self, app: &App, sender: &Sender, bytes: u64) -> HubResult<()> {
        if self.is_stale() {
            self.count(app, sender).await?;
        }
        if self.take(bytes).is_err() {
            // There may be room since it was counted: files came and name what was sent, or something was deleted.
            self.count(app, sender).await?;
            self.take(bytes)?;
        }
        Ok(())
    }

    async fn count(&self, app: &App, sender: &Sender) -> HubResult<()> {
        let asked = Instant::now();
        let _turn = self.counting.lock().await;
        if self.state().counted_at.is_some_and(|at| at >= asked) {
            // Somebody else has, while this one waited.
            return Ok(());
        }
        let began = Instant::now();
        let room = quotas::room_of(app, sender.repo_pk).await?;
        let pending = match room {
            Some(_) => queries::sum_pending(&app.pool, sender.namespace_pk).await?.unsigned_abs(),
            None => 0,
        };
        let mut state = self.state();
        (state.counted_at, state.room, state.pending) = (Some(began), room, pending);
        Ok(())
    }

    fn take(&self, bytes: u64) -> HubResult<()> {
        let mut state = self.state();
        if let Some(room) = &state.room {
            let used = room.used.saturating_add(state.pending).saturating_add(state.coming);
            // A xorb is a little longer than its chunks, by which files count.
            let limit = room.limit.saturating_add(room.limit / 64).saturating_add(SLACK_BYTES);
            if used.saturating_add(bytes.max(1)) > limit {
                return Err(HubError::quota_reached(&room.owner, used, bytes, room.limit));
            }
        }
        state.coming = state.coming.saturating_add(bytes);
        Ok(())
    }
}
