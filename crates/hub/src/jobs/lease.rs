//! Keeping a job in hand for as long as its body runs, so that no other node takes it up meanwhile.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout_at};

use super::queries::{self, ClaimedJob};

/// A node's claim to a job. It ends some time after it was last extended: so long after a node was killed, another takes up what it
/// had in hand.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    length: Duration,
    ends: Instant,
}

impl Lease {
    /// The lease of a claim that the database is about to be asked for: counted from before the question, it ends no later than there.
    pub fn from_now(length: Duration) -> Self {
        Self { length, ends: Instant::now() + length }
    }

    /// How long it lasts when nobody extends it.
    pub fn length(self) -> Duration {
        self.length
    }

    /// Does something with a job in hand and extends the claim meanwhile. `None` when the claim was lost, because another node has
    /// the job now, or the database could not be asked until the claim had ended: then the work was stopped where it was.
    pub async fn keep<T>(self, pool: &PgPool, job: &ClaimedJob, body: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = body => Some(outcome),
            () = self.until_lost(pool, job) => None,
        }
    }

    async fn until_lost(mut self, pool: &PgPool, job: &ClaimedJob) {
        let mut pause = self.length / 3;
        loop {
            sleep(pause).await;
            let asked = Instant::now();
            // A process that stood still may come late; as long as nobody else has the job, it is still its own.
            let patience = self.ends.max(asked + self.length / 12);
            match timeout_at(patience, queries::extend(pool, job, self.length)).await {
                Ok(Ok(true)) => {
                    self.ends = asked + self.length;
                    pause = self.length / 3;
                }
                // Not at the last moment: when the claim has ended, somebody else may begin.
                Ok(Err(error)) if Instant::now() + self.length / 12 < self.ends => {
                    tracing::warn!(job.kind = %job.kind, %error, "the claim to a job could not be extended; it is tried again");
                    pause = self.length / 12;
                }
                Ok(Ok(false) | Err(_)) | Err(_) => return,
            }
        }
    }
}
