//! Which jobs wait for which. A node works through three lanes at once, each one job after the other: mails are behind nothing that
//! reads files, what people wait for is never behind what takes minutes, and no two jobs that need much memory run beside each other.
//!
//! Any two jobs may run at the same time in any case, on two nodes. So no body relies on its lane to be alone, or to come
//! after another: what must not meet is kept apart by the database.

use std::time::Duration;

/// What a node works through one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What takes seconds at most and that somebody may wait for: mails, notifications. Kinds of later versions, too.
    Quick,
    /// What reads a little of a repository for its page: headers, texts, cards. Mostly seconds, and minutes where that is in large
    /// packs or in hundreds of files.
    Reads,
    /// What takes minutes, or much memory, or looks through all there is.
    Heavy,
}

/// What waits for each other in order of time; the kinds of each are in [`super::queries::claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// All of the quick lane.
    Quick,
    /// All of the lane of reads.
    Reads,
    /// What the heavy lane does but for what [`Queue::Chunks`] has.
    Slow,
    /// Files that are put in chunks: a push may bring thousands, of minutes each.
    Chunks,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Reads, Self::Heavy];

    /// What is in it. Its queues take turns.
    pub(super) const fn queues(self) -> &'static [Queue] {
        match self {
            Self::Quick => &[Queue::Quick],
            Self::Reads => &[Queue::Reads],
            Self::Heavy => &[Queue::Slow, Queue::Chunks],
        }
    }

    /// How long a job may take. Far more than any needs: one that hangs must not be in the way for ever.
    pub(crate) const fn patience(self) -> Duration {
        match self {
            Self::Quick | Self::Reads => Duration::from_secs(3600),
            Self::Heavy => Duration::from_secs(24 * 3600),
        }
    }
}
