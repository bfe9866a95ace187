//! The order of what was found, and the page of it that is shown.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    Direction, Score,
    embedded::{
        bits::Bits,
        columns::{Columns, Entry, MISSING},
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

/// Scores, which are fractions from 0 up.
pub(crate) struct Scored<'a> {
    pub(crate) scores: &'a [f32],
    pub(crate) popularity: &'a [f32],
    pub(crate) direction: Direction,
}

impl Key for Scored<'_> {
    fn of(&self, ord: u32) -> i64 {
        let score = self.scores[ord as usize] + self.popularity[ord as usize];
        // Of fractions that are not negative, the bits compare as they do.
        let key = i64::from(score.to_bits());
        match self.direction {
            Direction::Descending => key,
            Direction::Ascending => -key,
        }
    }
}

/// The ordinals of a page. Ties go by key of the database, in the same direction.
pub(crate) fn page(
    columns: &Columns,
    docs: &Bits,
    key: &impl Key,
    direction: Direction,
    offset: usize,
    limit: usize,
) -> Vec<u32> {
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
    for ord in docs.iter() {
        let key = key.of(ord);
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
            continue;
        }
        if best.len() == wanted {
            least = best.peek().map_or(MISSING, |Reverse((key, ..))| *key);
        }
    }
    best.into_sorted_vec().into_iter().skip(offset).map(|Reverse((.., ord))| ord).collect()
}

/// The documents whose name begins with the text, and what that is worth.
pub(crate) fn named(columns: &Columns, text: &QueryText) -> Vec<(u32, f32)> {
    if text.name.len() < SHORTEST_NAME {
        return Vec::new();
    }
    if text.owner.is_some() {
        let scored = columns.named(&text.name).filter_map(|ord| Some((ord, name_score(columns.entry(ord)?, text))));
        return scored.filter(|(_, worth)| *worth > 0.0).collect();
    }
    // Those with the very name come first, and the others need not be looked at: they may be many.
    let mut is_same = true;
    columns
        .named(&text.name)
        .map(|ord| {
            is_same = is_same && columns.entry(ord).is_some_and(|entry| names::equals(entry.name(), &text.name));
            (ord, if is_same { SAME_NAME } else { NAME_BEGINS })
        })
        .collect()
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

/// The terms of a document's score. `score` is that of words and name together.
pub(crate) fn terms(columns: &Columns, ord: u32, text: &QueryText, score: f32) -> Score {
    let name =
        if text.name.len() < SHORTEST_NAME { 0.0 } else { columns.entry(ord).map_or(0.0, |entry| name_score(entry, text)) };
    Score { words: score - name, popularity: columns.popularity[ord as usize], name }
}
