//! From the conditions of a query to the documents that fulfil them.

use roaring::RoaringBitmap;

use crate::{
    Clause, Facet, Range, Rule, SearchQuery,
    embedded::{
        bits::Bits,
        columns::{Columns, MISSING},
    },
};

/// The conditions of a query, each as the documents that fulfil it.
#[derive(Debug)]
pub(crate) struct Filter {
    /// All conditions but the clauses of `any_of`.
    common: RoaringBitmap,
    any_of: Vec<(Facet, RoaringBitmap)>,
    /// Whether there is no condition but what the viewer may see.
    pub(crate) is_open: bool,
    /// Values that no document has.
    pub(crate) unknown: Vec<(Facet, String)>,
}

impl Filter {
    /// Reads the conditions of a query on documents of `kind`.
    pub(crate) fn of(columns: &Columns, kind: usize, query: &SearchQuery) -> Self {
        let mut filter = Self {
            common: columns.visible(kind, &query.visible),
            any_of: Vec::new(),
            is_open: query.clauses.is_empty() && query.ranges.is_empty() && query.only.is_none(),
            unknown: Vec::new(),
        };
        for clause in &query.clauses {
            let docs = docs_of(columns, clause);
            match clause.rule {
                Rule::NoneOf => filter.common -= docs,
                Rule::AnyOf => {
                    filter.note_unknown(columns, clause);
                    filter.any_of.push((clause.facet, docs));
                }
            }
        }
        for range in &query.ranges {
            filter.common &= docs_within(columns, *range);
        }
        if let Some(keys) = &query.only {
            filter.common &= keys.iter().filter_map(|key| columns.ord_of(*key)).collect::<RoaringBitmap>();
        }
        filter
    }

    fn note_unknown(&mut self, columns: &Columns, clause: &Clause) {
        let column = columns.column(clause.facet);
        for value in &clause.values {
            if column.docs_of(clause.facet, value).is_none_or(RoaringBitmap::is_empty) {
                self.unknown.push((clause.facet, value.clone()));
            }
        }
    }

    /// Adds the condition that a document is among `docs`.
    pub(crate) fn restrict(&mut self, docs: &RoaringBitmap) {
        self.common &= docs;
        self.is_open = false;
    }

    /// What fulfils all conditions.
    pub(crate) fn docs(&self) -> RoaringBitmap {
        self.docs_where(|_| true)
    }

    /// What fulfils all conditions but the `AnyOf` clauses on `facet`; nothing if there is no such clause, so that it
    /// would be the same as [`Self::docs`].
    pub(crate) fn docs_without(&self, facet: Facet) -> Option<RoaringBitmap> {
        self.any_of.iter().any(|(of, _)| *of == facet).then(|| self.docs_where(|of| of != facet))
    }

    fn docs_where(&self, counts: impl Fn(Facet) -> bool) -> RoaringBitmap {
        let mut clauses: Vec<&RoaringBitmap> =
            self.any_of.iter().filter(|(facet, _)| counts(*facet)).map(|(_, docs)| docs).collect();
        clauses.sort_unstable_by_key(|docs| docs.len());
        let Some((first, others)) = clauses.split_first() else { return self.common.clone() };
        let mut docs = &self.common & *first;
        for other in others {
            docs &= *other;
        }
        docs
    }
}

fn docs_of(columns: &Columns, clause: &Clause) -> RoaringBitmap {
    let column = columns.column(clause.facet);
    let mut docs = RoaringBitmap::new();
    for value in &clause.values {
        if let Some(found) = column.docs_of(clause.facet, value) {
            docs |= found;
        }
    }
    docs
}

fn docs_within(columns: &Columns, range: Range) -> RoaringBitmap {
    let min = range.min.unwrap_or(MISSING).max(MISSING + 1);
    let max = range.max.unwrap_or(i64::MAX);
    Bits::within(columns.numbers.of(range.number), min, max).to_bitmap()
}
