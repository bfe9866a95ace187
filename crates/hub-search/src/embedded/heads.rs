//! The first documents of each order, kept until the columns change: most pages that are looked at are among them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    Direction, Sort,
    embedded::{
        bits::Bits,
        columns::{Columns, KINDS},
        rank::{self, Key, Largest, MostUsed, Page},
    },
};

/// How many documents of an order are kept. A filter that one in a hundred documents passes leaves a page of them.
const KEPT: usize = 4_096;

#[derive(Debug)]
struct Head {
    version: u64,
    /// Largest first.
    ords: Vec<u32>,
}

/// The heads of all orders and, last, of those that are most used, for each kind.
#[derive(Debug, Default)]
pub(crate) struct Heads([[Mutex<Option<Arc<Head>>>; Sort::EVERY.len() + 1]; KINDS]);

/// The place of those that are most used.
const MOST_USED: usize = Sort::EVERY.len();

impl Heads {
    /// A page of `docs`, which are of one kind, largest first; nothing if it goes beyond what is kept.
    pub(crate) fn page(
        &self,
        columns: &Columns,
        kind: usize,
        docs: &Bits,
        sort: Sort,
        offset: usize,
        limit: usize,
    ) -> Option<Vec<u32>> {
        let wanted = offset.saturating_add(limit);
        let all = columns.kinds[kind].len();
        // Too few are expected among those kept: finding out would take longer than it may save.
        if all > KEPT as u64 && docs.len().saturating_mul(KEPT as u64) < all.saturating_mul(wanted as u64) {
            return None;
        }
        let head = self.head(columns, kind, sort.index(), &Largest(columns.numbers.sorted_by(sort)));
        let page: Vec<u32> = head.ords.iter().copied().filter(|ord| docs.contains(*ord)).skip(offset).take(limit).collect();
        (page.len() == limit || all <= KEPT as u64).then_some(page)
    }

    /// The most used of `docs` of one kind that `fits` is true of, as far as they are kept; nothing if that are too few.
    pub(crate) fn most_used(&self, columns: &Columns, kind: usize, limit: usize, fits: impl Fn(u32) -> bool) -> Option<Vec<u32>> {
        let head = self.head(columns, kind, MOST_USED, &MostUsed(&columns.popularity));
        let best: Vec<u32> = head.ords.iter().copied().filter(|ord| fits(*ord)).take(limit).collect();
        (best.len() == limit || columns.kinds[kind].len() <= KEPT as u64).then_some(best)
    }

    fn head(&self, columns: &Columns, kind: usize, at: usize, key: &impl Key) -> Arc<Head> {
        let mut kept = self.0[kind][at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = kept.as_ref()
            && head.version == columns.version
        {
            return Arc::clone(head);
        }
        let ords =
            rank::page(columns, &columns.kinds[kind], key, Page { direction: Direction::Descending, offset: 0, limit: KEPT });
        let fresh = Arc::new(Head { version: columns.version, ords });
        *kept = Some(Arc::clone(&fresh));
        fresh
    }
}
