//! Counting what somebody does in a window of time, in the memory of this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whose counts are kept at most. Whoever comes when all places are taken is not counted until the next window: a flood of
/// strangers costs neither memory nor those who are known.
const MAX_KEYS: usize = 100_000;

/// Counts by key in windows of one length. All windows end at the same time, and the counts with them.
#[derive(Debug)]
pub struct Windows<K> {
    length: Duration,
    inner: Mutex<Window<K>>,
}

#[derive(Debug)]
struct Window<K> {
    since: Instant,
    counts: HashMap<K, u64>,
}

/// What came of counting one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many there are in this window, this one included.
    pub count: u64,
    /// In how many seconds the window ends, at least 1.
    pub ends_in_secs: u64,
}

impl<K: Eq + Hash> Windows<K> {
    /// Windows of this length.
    pub fn new(length: Duration) -> Self {
        Self { length, inner: Mutex::new(Window { since: Instant::now(), counts: HashMap::new() }) }
    }

    /// How long a window is, in seconds.
    pub fn length_secs(&self) -> u64 {
        self.length.as_secs()
    }

    /// Counts one more.
    pub fn add(&self, key: K) -> Counted {
        let mut window = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let age = window.since.elapsed();
        if age >= self.length {
            *window = Window { since: Instant::now(), counts: HashMap::new() };
        }
        let left = self.length.saturating_sub(window.since.elapsed());
        let full = window.counts.len() >= MAX_KEYS;
        let count = match window.counts.get_mut(&key) {
            Some(count) => {
                *count += 1;
                *count
            }
            None if full => 1,
            None => {
                window.counts.insert(key, 1);
                1
            }
        };
        Counted { count, ends_in_secs: left.as_secs().max(1) }
    }

    /// How many were counted in this window.
    pub fn count_of(&self, key: &K) -> u64 {
        let window = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if window.since.elapsed() >= self.length {
            return 0;
        }
        window.counts.get(key).copied().unwrap_or(0)
    }

    /// Counts one less: it was none of those that are counted.
    pub fn take_back(&self, key: &K) {
        let mut window = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = window.counts.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_end_with_their_window_and_keys_are_bounded() {
        let windows = Windows::new(Duration::from_secs(3600));
        assert_eq!([1, 1, 2, 1].map(|key| windows.add(key).count), [1, 2, 1, 3]);
        windows.take_back(&1);
        assert_eq!(windows.add(1).count, 3);
        assert_eq!([1, 2, 7].map(|key| windows.count_of(&key)), [3, 1, 0]);
        for key in 0..200_000 {
            windows.add(key);
        }
        assert_eq!(windows.inner.lock().unwrap().counts.len(), MAX_KEYS);
        assert_eq!((windows.add(1).count, windows.add(1).count), (5, 6), "those who are known go on being counted");
        assert_eq!(windows.add(150_000).count, 1, "others are let through");

        let over = Windows::new(Duration::ZERO);
        assert_eq!([over.add(1).count, over.add(1).count], [1, 1]);
        assert_eq!(over.count_of(&1), 0, "what is over is not counted");
    }
}
