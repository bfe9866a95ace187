//! What questions found, kept for those that follow: the next page, one filter more, the same words among another kind of
//! repositories, or what many people look for. All of it goes when the text index changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    FacetCounts, Number, SearchError, SearchQuery, Snippets, Sort,
    embedded::{
        columns::Columns,
        matching::{Found, Wanted},
    },
    text::QueryWord,
};

/// Which words were searched for.
#[derive(Debug, PartialEq)]
pub(crate) struct WordsKey {
    pub(crate) words: Vec<QueryWord>,
    /// In how many of the fields.
    pub(crate) fields: usize,
    pub(crate) wanted: Wanted,
}

/// What was counted, and in which state of the columns.
#[derive(Debug, PartialEq)]
pub(crate) struct CountsKey {
    version: u64,
    query: SearchQuery,
}

impl CountsKey {
    /// Of a question, on whatever page and in whatever order. Likes and downloads come all the time; what is counted depends on them
    /// only where they have to lie in a range.
    pub(crate) fn of(columns: &Columns, query: &SearchQuery) -> Self {
        let by_counters = query.ranges.iter().any(|range| matches!(range.number, Number::Downloads | Number::Likes));
        let version = if by_counters { columns.version } else { columns.values_version };
        let query = SearchQuery { sort: Sort::Trending, offset: 0, limit: 0, snippets: Snippets::None, ..query.clone() };
        Self { version, query }
    }
}

/// Filled by the first who asks, while others who ask the same wait for it.
type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

/// The last `KEPT` answers.
pub(crate) struct Recent<K, T, const KEPT: usize>(Mutex<Vec<(K, Slot<T>)>>);

/// Of some four bytes for each document.
pub(crate) type RecentWords = Recent<WordsKey, Found, 8>;
/// Of up to 100 kB.
pub(crate) type RecentCounts = Recent<CountsKey, Vec<FacetCounts>, 32>;

impl<K, T, const KEPT: usize> Default for Recent<K, T, KEPT> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, T, const KEPT: usize> Recent<K, T, KEPT> {
    /// What is known, or what `find` finds.
    ///
    /// # Errors
    /// Those of `find`.
    pub(crate) fn get(&self, key: K, find: impl FnOnce() -> Result<T, SearchError>) -> Result<Arc<T>, SearchError> {
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
    fn slot(&self, key: K) -> Slot<T> {
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

    fn kept(&self) -> MutexGuard<'_, Vec<(K, Slot<T>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes in memory of what is not being filled just now, each as large as `of` says.
    pub(crate) fn memory_bytes(&self, of: impl Fn(&T) -> usize) -> usize {
        let kept = self.kept();
        kept.iter().filter_map(|(_, slot)| slot.try_lock().ok()?.as_deref().map(&of)).sum()
    }
}

#[cfg(test)]
mod tests {
    use hub_types::RepoType;

    use super::*;
    use crate::Range;

    #[test]
    fn counts_outlive_likes_unless_they_are_a_condition() {
        let plain = SearchQuery::new(RepoType::Model);
        let liked = SearchQuery { ranges: vec![Range { number: Number::Likes, min: Some(3), max: None }], ..plain.clone() };
        let (mut columns, before) = (Columns::default(), Columns::default());
        columns.version += 1;
        assert_eq!(CountsKey::of(&columns, &plain), CountsKey::of(&before, &plain));
        assert_ne!(CountsKey::of(&columns, &liked), CountsKey::of(&before, &liked));
        columns.values_version += 1;
        assert_ne!(CountsKey::of(&columns, &plain), CountsKey::of(&before, &plain));
    }
}
