//! How many connections there are, in all and of one network or account.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts who is there.
#[derive(Debug)]
pub(super) struct Seats<K> {
    each: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// A seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat<K: Eq + Hash> {
    key: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Seats<K> {
    /// So many for each.
    pub(super) fn new(each: usize) -> Self {
        Self { each, taken: Arc::default() }
    }

    /// Takes a seat, if one is free.
    pub(super) fn take(&self, key: K) -> Option<Seat<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key.clone()).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { key, taken: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seats;

    #[test]
    fn a_seat_is_free_again_when_its_holder_leaves() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take("ada"), seats.take("ada"));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take("ada").is_none() && seats.take("bob").is_some());
        drop(first);
        assert!(seats.take("ada").is_some());
        drop(second);
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
