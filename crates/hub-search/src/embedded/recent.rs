//! What words found, kept for the questions that follow: the next page, one filter more, the same words among another kind
//! of repositories, or what many people look for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    SearchError,
    embedded::matching::{Found, Wanted},
    text::QueryWord,
};

/// How many are kept, of some four bytes for each document.
const KEPT: usize = 8;

/// What was searched for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) words: Vec<QueryWord>,
    /// In how many of the fields.
    pub(crate) fields: usize,
    pub(crate) wanted: Wanted,
}

/// Filled by the first who asks, while others who ask the same wait for it.
type Slot = Arc<Mutex<Option<Arc<Found>>>>;

/// What was found last, in one state of the text index.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Vec<(Key, Slot)>>);

impl Recent {
    /// What is known, or what `find` finds.
    ///
    /// # Errors
    /// Those of `find`.
    pub(crate) fn get(&self, key: Key, find: impl FnOnce() -> Result<Found, SearchError>) -> Result<Arc<Found>, SearchError> {
        let slot = self.slot(key);
        let mut known = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &*known {
            return Ok(Arc::clone(found));
        }
        let found = Arc::new(find()?);
        *known = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The place for what was asked, which is now the last to be given up.
    fn slot(&self, key: Key) -> Slot {
        let mut kept = self.kept();
        let (key, slot) = match kept.iter().position(|(other, _)| *other == key) {
            Some(at) => kept.remove(at),
            None => (key, Slot::default()),
        };
        let found = Arc::clone(&slot);
        kept.insert(0, (key, slot));
        kept.truncate(KEPT);
        found
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Key, Slot)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes in memory of what is not being filled just now.
    pub(crate) fn memory_bytes(&self) -> usize {
        let slots: Vec<Slot> = self.kept().iter().map(|(_, slot)| Arc::clone(slot)).collect();
        let found = slots.iter().filter_map(|slot| slot.try_lock().ok()?.as_ref().map(|found| found.memory_bytes()));
        found.sum()
    }
}
