//! Sets of ordinals, one bit for each.
//!
//! A million documents are 125 kB: whole sets are intersected and counted in a few microseconds, without a look at any
//! document. Sets may be of different length; what lies beyond the end of one is not in it.

use std::iter;

use fearless_simd::{Level, dispatch};

/// How many ordinals a word holds.
const WORD: usize = u64::BITS as usize;

/// One bit for each ordinal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// No ordinal, with room for those below `len`.
    pub(crate) fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(WORD)])
    }

    #[inline]
    pub(crate) fn insert(&mut self, ord: u32) {
        let at = ord as usize / WORD;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (ord as usize % WORD);
    }

    pub(crate) fn remove(&mut self, ord: u32) {
        if let Some(word) = self.0.get_mut(ord as usize / WORD) {
            *word &= !(1 << (ord as usize % WORD));
        }
    }

    #[inline]
    pub(crate) fn contains(&self, ord: u32) -> bool {
        self.one_if(ord) == 1
    }

    /// 1 if the ordinal is there, else 0: for sums without a branch.
    #[inline]
    pub(crate) fn one_if(&self, ord: u32) -> u64 {
        self.0.get(ord as usize / WORD).map_or(0, |word| (word >> (ord as usize % WORD)) & 1)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        dispatch!(Level::new(), _ => count(&self.0))
    }

    /// How many are in both.
    pub(crate) fn len_shared(&self, other: &Self) -> u64 {
        dispatch!(Level::new(), _ => count_shared(&self.0, &other.0))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Keeps what is in `other` too.
    pub(crate) fn retain(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Adds what is in `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// Takes away what is in `other`.
    pub(crate) fn exclude(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// The ordinals below the length of `column` whose number is within the bounds.
    pub(crate) fn within(column: &[i64], min: i64, max: i64) -> Self {
        Self(dispatch!(Level::new(), _ => words_within(column, min, max)))
    }

    /// The ordinals, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().zip((0..).step_by(WORD)).flat_map(|(word, first)| {
            let mut left = *word;
            iter::from_fn(move || {
                (left != 0).then(|| {
                    let at: u32 = left.trailing_zeros();
                    left &= left - 1;
                    first + at
                })
            })
        })
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(ords: I) -> Self {
        let mut bits = Self::default();
        for ord in ords {
            bits.insert(ord);
        }
        bits
    }
}

// Each of these is compiled once for every generation of processors that is told apart, and has to be inlined for that.

#[inline(always)]
fn count(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

#[inline(always)]
fn count_shared(words: &[u64], others: &[u64]) -> u64 {
    words.iter().zip(others).map(|(word, other)| u64::from((word & other).count_ones())).sum()
}

#[inline(always)]
fn words_within(column: &[i64], min: i64, max: i64) -> Vec<u64> {
    let word = |numbers: &[i64]| {
        numbers.iter().enumerate().fold(0, |word, (at, number)| word | (u64::from(min <= *number && *number <= max) << at))
    };
    column.chunks(WORD).map(word).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn set(bits: &Bits) -> BTreeSet<u32> {
        bits.iter().collect()
    }

    proptest! {
        #[test]
        fn bits_are_sets(a in btree_set(0..700_u32, 0..200), b in btree_set(0..900_u32, 0..200), gone in 0..900_u32) {
            let bits = |of: &BTreeSet<u32>| of.iter().copied().collect::<Bits>();
            let (one, other) = (bits(&a), bits(&b));
            prop_assert_eq!(set(&one), a.clone());
            prop_assert_eq!((one.len(), one.is_empty()), (a.len() as u64, a.is_empty()));
            prop_assert_eq!(one.len_shared(&other), a.intersection(&b).count() as u64);
            prop_assert_eq!(other.len_shared(&one), a.intersection(&b).count() as u64);
            prop_assert!((0..1_000).all(|ord| one.contains(ord) == a.contains(&ord)));
            let changed = |change: fn(&mut Bits, &Bits)| {
                let mut changed = one.clone();
                change(&mut changed, &other);
                set(&changed)
            };
            prop_assert_eq!(changed(Bits::retain), &a & &b);
            prop_assert_eq!(changed(Bits::extend), &a | &b);
            prop_assert_eq!(changed(Bits::exclude), &a - &b);
            let mut without = one.clone();
            without.remove(gone);
            prop_assert_eq!(set(&without), a.into_iter().filter(|ord| *ord != gone).collect::<BTreeSet<_>>());
        }

        #[test]
        fn numbers_within_bounds_are_found(column in proptest::collection::vec(-5..5_i64, 0..200), min in -6..6_i64, max in -6..6_i64) {
            let found: Vec<u32> = Bits::within(&column, min, max).iter().collect();
            let fits = |(at, number): (u32, &i64)| (min <= *number && *number <= max).then_some(at);
            prop_assert_eq!(found, (0..).zip(&column).filter_map(fits).collect::<Vec<_>>());
        }
    }
}
