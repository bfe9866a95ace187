//! The documents that have a value.

use crate::embedded::bits::Bits;

/// A list of one in so many of all ordinals is worth as much as bits for all of them: it takes less memory, and about as
/// long to intersect with other bits.
const WORTH_BITS: usize = 128;
/// When bits become a list again: far enough away that a set does not turn back and forth.
const WORTH_LIST: usize = 512;

/// A set of ordinals: a list, or bits if it has many of them.
#[derive(Debug)]
pub(crate) enum Docs {
    /// In order.
    Few(Vec<u32>),
    /// And how many they are.
    Many(Bits, usize),
}

impl Default for Docs {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Docs {
    /// Adds an ordinal that is not there, below `ordinals`.
    pub(crate) fn insert(&mut self, ord: u32, ordinals: usize) {
        match self {
            Self::Few(list) => {
                // Documents mostly come in order.
                let is_last = list.last().is_none_or(|last| *last < ord);
                list.insert(if is_last { list.len() } else { list.partition_point(|other| *other < ord) }, ord);
                if list.len() > ordinals / WORTH_BITS {
                    *self = Self::Many(list.iter().copied().collect(), list.len());
                }
            }
            Self::Many(bits, len) => {
                bits.insert(ord);
                *len += 1;
                self.list_if_few(ordinals);
            }
        }
    }

    /// Takes away an ordinal that is there, below `ordinals`.
    pub(crate) fn remove(&mut self, ord: u32, ordinals: usize) {
        match self {
            Self::Few(list) => {
                if let Ok(at) = list.binary_search(&ord) {
                    list.remove(at);
                }
            }
            Self::Many(bits, len) => {
                bits.remove(ord);
                *len -= 1;
                self.list_if_few(ordinals);
            }
        }
    }

    fn list_if_few(&mut self, ordinals: usize) {
        if let Self::Many(bits, len) = self
            && *len < ordinals / WORTH_LIST
        {
            *self = Self::Few(bits.iter().collect());
        }
    }

    /// Whether it is kept as a list.
    pub(crate) const fn is_few(&self) -> bool {
        matches!(self, Self::Few(_))
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(_, len) => *len == 0,
        }
    }

    /// How many are in `bits` too.
    pub(crate) fn len_within(&self, bits: &Bits) -> u64 {
        match self {
            Self::Few(list) => list.iter().map(|ord| bits.one_if(*ord)).sum(),
            Self::Many(own, _) => own.len_shared(bits),
        }
    }

    /// Adds all of them to `bits`.
    pub(crate) fn add_to(&self, bits: &mut Bits) {
        match self {
            Self::Few(list) => list.iter().for_each(|ord| bits.insert(*ord)),
            Self::Many(own, _) => bits.extend(own),
        }
    }

    /// The same as bits.
    pub(crate) fn to_bits(&self) -> Bits {
        match self {
            Self::Few(list) => list.iter().copied().collect(),
            Self::Many(bits, _) => bits.clone(),
        }
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Few(list) => list.capacity() * size_of::<u32>(),
            Self::Many(bits, _) => bits.memory_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_set_stays_the_same_when_it_grows_and_shrinks() {
        let mut docs = Docs::default();
        let mut expected = BTreeSet::new();
        let odd: Bits = (0..2_000).filter(|ord| ord % 2 == 1).collect();
        let check = |docs: &Docs, expected: &BTreeSet<u32>| {
            assert_eq!(docs.to_bits().iter().collect::<BTreeSet<_>>(), *expected);
            assert_eq!(docs.len_within(&odd), expected.iter().filter(|ord| *ord % 2 == 1).count() as u64);
            assert_eq!(docs.is_empty(), expected.is_empty());
        };
        for n in 0..1_500_u32 {
            let ord = n * 7 % 2_000;
            docs.insert(ord, 2_000);
            expected.insert(ord);
            if n % 50 == 0 {
                check(&docs, &expected);
            }
        }
        assert!(matches!(docs, Docs::Many(..)));
        while let Some(ord) = expected.pop_first() {
            docs.remove(ord, 2_000);
            if ord % 50 == 0 {
                check(&docs, &expected);
            }
        }
        check(&docs, &expected);
        assert!(matches!(docs, Docs::Few(_)));
        docs = Docs::default();
        (0..10).for_each(|ord| docs.insert(ord, 100));
        assert!(matches!(docs, Docs::Many(..)));
        docs.insert(9_999, 10_000);
        assert!(matches!(&docs, Docs::Few(list) if list.len() == 11), "what grew rare is a list again");
    }
}
