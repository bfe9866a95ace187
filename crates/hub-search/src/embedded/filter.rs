//! From the conditions of a query to the documents that fulfil them.

use crate::{
    Clause, Facet, Range, Rule, SearchQuery,
    embedded::{
        bits::Bits,
        columns::{Columns, MISSING},
        docs::Docs,
    },
};

/// The conditions of a query, each as the documents that fulfil it.
#[derive(Debug)]
pub(crate) struct Filter {
    /// All conditions but the clauses of `any_of`.
    common: Bits,
    any_of: Vec<(Facet, Bits)>,
    /// Whether `common` is everything that the viewer may see.
    is_all_visible: bool,
    /// Values that no document has.
    pub(crate) unknown: Vec<(Facet, String)>,
}

/// What fulfils some of the conditions.
#[derive(Debug)]
pub(crate) enum Passed {
    /// Everything that the viewer may see.
    Visible,
    /// These.
    Docs(Bits),
}

impl Filter {
    /// Reads the conditions of a query on documents of `kind`.
    pub(crate) fn of(columns: &Columns, kind: usize, query: &SearchQuery) -> Self {
        let mut filter =
            Self { common: columns.visible(kind, &query.visible), any_of: Vec::new(), is_all_visible: true, unknown: Vec::new() };
        for clause in &query.clauses {
            let docs = docs_of(columns, clause);
            match clause.rule {
                // What is left out of nearly every list is there on few hubs: on others nothing is to be counted anew.
                Rule::NoneOf if docs.is_empty() => {}
                Rule::NoneOf => {
                    filter.is_all_visible = false;
                    filter.common.exclude(&docs);
                }
                Rule::AnyOf => {
                    filter.note_unknown(columns, clause);
                    filter.any_of.push((clause.facet, docs));
                }
            }
        }
        for range in &query.ranges {
            filter.restrict(&docs_within(columns, *range));
        }
        if let Some(keys) = &query.only {
            filter.restrict(&keys.iter().filter_map(|key| columns.ord_of(*key)).collect());
        }
        filter
    }

    fn note_unknown(&mut self, columns: &Columns, clause: &Clause) {
        let column = columns.column(clause.facet);
        for value in &clause.values {
            if column.docs_of(clause.facet, value).is_none_or(Docs::is_empty) {
                self.unknown.push((clause.facet, value.clone()));
            }
        }
    }

    /// Adds the condition that a document is among `docs`.
    pub(crate) fn restrict(&mut self, docs: &Bits) {
        self.common.retain(docs);
        self.is_all_visible = false;
    }

    /// Whether there is no condition but what the viewer may see.
    pub(crate) fn is_open(&self) -> bool {
        self.is_all_visible && self.any_of.is_empty()
    }

    /// What fulfils all conditions.
    pub(crate) fn docs(&self) -> Bits {
        self.docs_where(|_| true)
    }

    /// What fulfils all conditions but the `AnyOf` clauses on `facet`; nothing if there is no such clause, so that it
    /// would be the same as [`Self::docs`].
    pub(crate) fn without(&self, facet: Facet) -> Option<Passed> {
        if self.any_of.iter().all(|(of, _)| *of != facet) {
            return None;
        }
        let is_open = self.is_all_visible && self.any_of.iter().all(|(of, _)| *of == facet);
        Some(if is_open { Passed::Visible } else { Passed::Docs(self.docs_where(|of| of != facet)) })
    }

    fn docs_where(&self, counts: impl Fn(Facet) -> bool) -> Bits {
        let mut docs = self.common.clone();
        for (_, own) in self.any_of.iter().filter(|(facet, _)| counts(*facet)) {
            docs.retain(own);
        }
        docs
    }
}

fn docs_of(columns: &Columns, clause: &Clause) -> Bits {
    let column = columns.column(clause.facet);
    let mut docs = Bits::new(columns.ordinals());
    for value in &clause.values {
        if let Some(found) = column.docs_of(clause.facet, value) {
            found.add_to(&mut docs);
        }
    }
    docs
}

fn docs_within(columns: &Columns, range: Range) -> Bits {
    let min = range.min.unwrap_or(MISSING).max(MISSING + 1);
    let max = range.max.unwrap_or(i64::MAX);
    Bits::within(columns.numbers.of(range.number), min, max)
}
