//! The order of what was found, and the page of it that is shown.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    Direction, Score,
    embedded::{
        bits::Bits,
        columns::{Columns, Entry, MISSING},
        matching::Matches,
        names,
    },
    text::QueryText,
};

/// What is added to a rank if what was typed is the owner and name.
const SAME_ID: f32 = 12.0;
/// What is added if it is the name.
const SAME_NAME: f32 = 8.0;
/// What is added if the name begins with it.
const NAME_BEGINS: f32 = 2.5;

/// One letter begins so many names that it says nothing.
const SHORTEST_NAME: usize = 2;

/// By what documents are ordered.
pub(crate) trait Key {
    /// The larger comes first; nothing compares less than [`MISSING`].
    fn of(&self, ord: u32) -> i64;
}

/// The numbers of a column, the largest first.
pub(crate) struct Largest<'a>(pub(crate) &'a [i64]);

impl Key for Largest<'_> {
    fn of(&self, ord: u32) -> i64 {
        self.0[ord as usize]
    }
}

/// The numbers of a column, the smallest first, and last those that are missing.
pub(crate) struct Smallest<'a>(pub(crate) &'a [i64]);

impl Key for Smallest<'_> {
    fn of(&self, ord: u32) -> i64 {
        match self.0[ord as usize] {
            MISSING => MISSING,
            number => -number,
        }
    }
}

/// How much documents are used, the most first: fractions from 0 up.
pub(crate) struct MostUsed<'a>(pub(crate) &'a [f32]);

impl Key for MostUsed<'_> {
    fn of(&self, ord: u32) -> i64 {
        // Of fractions that are not negative, the bits compare as they do.
        i64::from(self.0[ord as usize].to_bits())
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) direction: Direction,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// The ordinals of a page. Ties go by key of the database, in the same direction.
pub(crate) fn page(columns: &Columns, docs: &Bits, key: &impl Key, page: Page) -> Vec<u32> {
    best(columns, docs, docs.iter().map(|ord| (ord, key.of(ord))), page)
}

/// The same by how well documents match.
pub(crate) fn best_matches(columns: &Columns, docs: &Bits, matches: &Matches, page: Page) -> Vec<u32> {
    let Named { each, begins } = &matches.named;
    let keyed = |ord: u32, name: f32| {
        // Of fractions that are not negative, the bits compare as they do.
        let key = i64::from((matches.score(ord) + name + columns.popularity[ord as usize]).to_bits());
        (ord, if page.direction == Direction::Descending { key } else { -key })
    };
    let mut others = docs.clone();
    each.iter().for_each(|(ord, _)| others.remove(*ord));
    let others = others.iter().map(|ord| keyed(ord, if begins.contains(ord) { NAME_BEGINS } else { 0.0 }));
    let each = each.iter().filter(|(ord, _)| docs.contains(*ord)).map(|(ord, worth)| keyed(*ord, *worth));
    let all = others.chain(each);
    best(columns, docs, all, page)
}

/// The ordinals of a page of `docs`, all of which come with what they are ordered by, in any order.
fn best(columns: &Columns, docs: &Bits, keyed: impl Iterator<Item = (u32, i64)>, page: Page) -> Vec<u32> {
    let Page { direction, offset, limit } = page;
    let wanted = offset.saturating_add(limit);
    if limit == 0 || docs.len() <= offset as u64 {
        return Vec::new();
    }
    let tie = |ord| {
        let pk = columns.entry(ord).map_or(0, |entry| entry.pk);
        match direction {
            Direction::Descending => pk,
            Direction::Ascending => pk.wrapping_neg(),
        }
    };
    let mut best: BinaryHeap<Reverse<(i64, i64, u32)>> = BinaryHeap::new();
    let mut least = MISSING;
    keyed.for_each(|(ord, key)| {
        if best.len() < wanted {
            best.push(Reverse((key, tie(ord), ord)));
        } else if key >= least {
            let next = Reverse((key, tie(ord), ord));
            if let Some(mut worst) = best.peek_mut()
                && next < *worst
            {
                *worst = next;
            }
        } else {
            return;
        }
        if best.len() == wanted {
            least = best.peek().map_or(MISSING, |Reverse((key, ..))| *key);
        }
    });
    best.into_sorted_vec().into_iter().skip(offset).map(|Reverse((.., ord))| ord).collect()
}

/// Documents that are worth more for their names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Some, and what that is.
    pub(crate) each: Vec<(u32, f32)>,
    /// Others, whose name only begins so.
    pub(crate) begins: Bits,
}

impl Named {
    /// Those whose name begins with the text.
    pub(crate) fn of(columns: &Columns, text: &QueryText) -> Self {
        let mut named = Self::default();
        if text.name.len() < SHORTEST_NAME {
            return named;
        }
        let mut ords = columns.named(&text.name).peekable();
        if text.owner.is_some() {
            let worth = |ord| columns.entry(ord).map_or(0.0, |entry| name_score(entry, text));
            named.each = ords.map(|ord| (ord, worth(ord))).filter(|(_, worth)| *worth > 0.0).collect();
            return named;
        }
        // Those with the very name come first, and the others need not be looked at: they may be many.
        let is_same = |ord: &u32| columns.entry(*ord).is_some_and(|entry| names::equals(entry.name(), &text.name));
        while let Some(ord) = ords.next_if(is_same) {
            named.each.push((ord, SAME_NAME));
        }
        named.begins = Bits::new(columns.ordinals());
        ords.for_each(|ord| named.begins.insert(ord));
        named
    }
}

/// What the name of a document is worth.
pub(crate) fn name_score(entry: &Entry, text: &QueryText) -> f32 {
    if !names::starts_with(entry.name(), &text.name) {
        return 0.0;
    }
    let owned = text.owner.as_ref().map(|owner| names::equals(entry.owner(), owner));
    match (names::equals(entry.name(), &text.name), owned) {
        (true, Some(true)) => SAME_ID,
        (true, None) => SAME_NAME,
        (false, None | Some(true)) => NAME_BEGINS,
        (_, Some(false)) => 0.0,
    }
}

/// The terms of a document's score. `words` is how well the words fit.
pub(crate) fn terms(columns: &Columns, ord: u32, text: &QueryText, words: f32) -> Score {
    let name =
        if text.name.len() < SHORTEST_NAME { 0.0 } else { columns.entry(ord).map_or(0.0, |entry| name_score(entry, text)) };
    Score { words, popularity: columns.popularity[ord as usize], name }
}
