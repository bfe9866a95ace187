//! A list of values for each document, one behind the other in memory: reading those of many documents is then as
//! quick as memory is.

use std::hint::black_box;

use crate::embedded::facets::ValueId;

/// Room that changed lists left behind is taken back when it is more than this, and more than half of all.
const WORTH_PACKING: usize = 100_000;
/// How many lists are fetched from memory at a time: one after the other, most of the time would go into waiting for them.
const FETCHED: usize = 32;

/// The values of all documents, by ordinal.
#[derive(Debug, Default)]
pub(crate) struct ValueLists {
    places: Vec<Place>,
    values: Vec<ValueId>,
    unused: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    start: u32,
    len: u32,
}

impl Place {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

impl ValueLists {
    /// Makes room for the ordinals below `len`.
    pub(crate) fn grow(&mut self, len: usize) {
        self.places.resize(len, Place::default());
    }

    /// The values of a document.
    pub(crate) fn of(&self, ord: u32) -> &[ValueId] {
        &self.values[self.places[ord as usize].range()]
    }

    /// Gives `each` the values of many documents.
    pub(crate) fn of_each(&self, ords: impl Iterator<Item = u32>, mut each: impl FnMut(ValueId)) {
        let mut ords = ords.fuse();
        let mut some: Vec<Place> = Vec::with_capacity(FETCHED);
        loop {
            some.clear();
            some.extend(ords.by_ref().take(FETCHED).map(|ord| self.places[ord as usize]));
            if some.is_empty() {
                return;
            }
            let firsts = some.iter().filter_map(|place| self.values.get(place.start as usize));
            black_box(firsts.map(|first| first.at()).max());
            some.iter().flat_map(|place| &self.values[place.range()]).for_each(|value| each(*value));
        }
    }

    /// Gives a document its values, in place of those it had. Nothing if that many values cannot be kept.
    pub(crate) fn set(&mut self, ord: u32, values: &[ValueId]) -> Option<()> {
        let place = self.places[ord as usize];
        self.unused += place.len as usize;
        // No list begins behind a place that fits into 32 bits.
        self.places[ord as usize] =
            Place { start: u32::try_from(self.values.len()).ok()?, len: u32::try_from(values.len()).ok()? };
        self.values.extend_from_slice(values);
        if self.unused > WORTH_PACKING && self.unused > self.values.len() / 2 {
            self.pack();
        }
        Some(())
    }

    /// Puts the lists in the order of the documents, without anything between them.
    pub(crate) fn pack(&mut self) {
        let mut packed = Vec::with_capacity(self.values.len() - self.unused);
        for place in &mut self.places {
            let start = packed.len() as u32;
            packed.extend_from_slice(&self.values[place.range()]);
            place.start = start;
        }
        self.values = packed;
        self.unused = 0;
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place>() + self.values.capacity() * size_of::<ValueId>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facet, embedded::facets::FacetColumn};

    #[test]
    fn changed_lists_are_found_and_their_room_is_taken_back() {
        let mut column = FacetColumn::default();
        let ids: Vec<_> = (0..50).map(|n| column.intern(Facet::Tag, &n.to_string()).expect("room")).collect();
        let mut lists = ValueLists::default();
        lists.grow(100);
        for round in 0..200_usize {
            for ord in 0..100_u32 {
                lists.set(ord, &ids[..(ord as usize + round) % 50]).expect("room");
            }
        }
        for ord in 0..100_u32 {
            assert_eq!(lists.of(ord), &ids[..(ord as usize + 199) % 50]);
        }
        assert!(lists.values.len() < 2 * WORTH_PACKING + 100 * 50, "{} are kept", lists.values.len());
    }
}
