//! How many of what was found have each value of a facet: exact, in one of three ways, by what is cheapest.
//!
//! Without any condition the numbers are kept up to date with each change. Otherwise the set is intersected with that of
//! each value, the most frequent first, until no other value can have more. Where that takes longer than to go through
//! the documents, their values are added up instead.

use std::{
    cell::LazyCell,
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    mem,
    sync::{Mutex, PoisonError},
};

use crate::{
    Clause, Counting, Facet, FacetCount, FacetCounts, FacetRequest, Narrow, Rule, SearchQuery, Visible,
    embedded::{
        bits::Bits,
        columns::Columns,
        facets::{FacetColumn, Value},
        filter::{Filter, Passed},
    },
};

/// Up to so many documents, adding up is faster than intersecting with the values of all facets. Measured with
/// `benches/scale.rs`.
const FEW: u64 = 8_000;
/// A facet with so many values is worth it alone: the fewer documents, the more of its values have to be looked at.
const MANY_VALUES: usize = 1_000;
/// How many lists of counts are kept for the next query: to fill them with zeros anew takes longer than to count.
const SPARE: usize = 64;

/// Sets of documents by value, as numbers.
enum Tally<'a> {
    /// Everything that is public and, in addition, these.
    Kept { more: &'a [u32], public: bool },
    /// By value.
    Added(&'a Sum),
    /// To be intersected.
    Docs(&'a Bits),
}

impl Tally<'_> {
    fn of(&self, at: u32, value: &Value, kind: usize) -> u64 {
        match self {
            Self::Kept { more, public } => {
                let kept = if *public { value.public_of_kind(kind) } else { value.of_kind(kind) };
                u64::from(kept + more.get(at as usize).copied().unwrap_or(0))
            }
            Self::Added(sum) => u64::from(sum.counts.get(at as usize).copied().unwrap_or(0)),
            Self::Docs(docs) => value.docs.len_within(docs),
        }
    }
}

/// How many documents have each value of a facet, and which values any has.
#[derive(Default)]
struct Sum {
    counts: Vec<u32>,
    seen: Vec<u32>,
}

/// Lists of zeros.
static ZEROS: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());

impl Sum {
    /// Nothing yet, of so many values.
    fn of(values: usize) -> Self {
        let spare = ZEROS.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut counts = spare.unwrap_or_default();
        if counts.len() < values {
            counts.resize(values, 0);
        }
        Self { counts, seen: Vec::new() }
    }

    fn add(&mut self, at: usize) {
        let count = &mut self.counts[at];
        if *count == 0 {
            self.seen.push(at as u32);
        }
        *count += 1;
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        for at in &self.seen {
            self.counts[*at as usize] = 0;
        }
        let mut spare = ZEROS.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE && !self.counts.is_empty() {
            spare.push(mem::take(&mut self.counts));
        }
    }
}

/// Sums by facet, of those that were added up.
#[derive(Default)]
struct Sums([Option<Sum>; Facet::EVERY.len()]);

impl Sums {
    fn of(&self, facet: Facet) -> Option<&Sum> {
        self.0[facet.index()].as_ref()
    }
}

/// Answers all requests of a query. `docs` is what fulfils all of its conditions, `total` how many that are.
pub(crate) fn count(
    columns: &Columns,
    kind: usize,
    query: &SearchQuery,
    filter: &Filter,
    docs: &Bits,
    total: u64,
) -> Vec<FacetCounts> {
    let facets = || query.facets.iter().map(|request| request.facet);
    let shared = LazyCell::new(|| if total <= FEW { add_up(columns, facets(), docs) } else { Sums::default() });
    let own_private = LazyCell::new(|| match &query.visible {
        Visible::PublicAnd(owners) if !owners.is_empty() => {
            let mut own = columns.visible(kind, &query.visible);
            own.exclude(&columns.public);
            add_up(columns, facets(), &own)
        }
        Visible::Public | Visible::PublicAnd(_) | Visible::All => Sums::default(),
    });
    let answer = |request: &FacetRequest| {
        let apart = match request.counting {
            Counting::WithoutOwnClauses => filter.without(request.facet),
            Counting::WithAllClauses => None,
        };
        let apart = apart.or_else(|| filter.is_open().then_some(Passed::Visible));
        let added;
        let tally = match &apart {
            Some(Passed::Visible) => {
                let more = own_private.of(request.facet).map_or(&[][..], |sum| &sum.counts);
                Tally::Kept { more, public: query.visible != Visible::All }
            }
            Some(Passed::Docs(apart)) => {
                let is_long = columns.column(request.facet).values.len() > MANY_VALUES;
                let alone = (is_long && apart.len() <= FEW).then_some(request.facet);
                added = add_up(columns, alone.into_iter(), apart);
                added.of(request.facet).map_or(Tally::Docs(apart), Tally::Added)
            }
            None => shared.of(request.facet).map_or(Tally::Docs(docs), Tally::Added),
        };
        list(columns, kind, request, &query.clauses, &tally)
    };
    query.facets.iter().map(answer).collect()
}

/// Adds up the values of `docs`, all facets in one go: most of the time goes into reaching a document.
fn add_up(columns: &Columns, facets: impl Iterator<Item = Facet>, docs: &Bits) -> Sums {
    let mut sums = Sums::default();
    for facet in facets {
        sums.0[facet.index()] = Some(Sum::of(columns.column(facet).values.len()));
    }
    if sums.0.iter().any(Option::is_some) {
        for value in docs.iter().flat_map(|ord| columns.values(ord)) {
            if let Some(sum) = &mut sums.0[value.facet()] {
                sum.add(value.at());
            }
        }
    }
    sums
}

fn list(columns: &Columns, kind: usize, request: &FacetRequest, clauses: &[Clause], tally: &Tally<'_>) -> FacetCounts {
    let column = columns.column(request.facet);
    let chosen: HashSet<u32> = clauses
        .iter()
        .filter(|clause| clause.facet == request.facet && clause.rule == Rule::AnyOf)
        .flat_map(|clause| &clause.values)
        .filter_map(|value| column.find(request.facet, value))
        .collect();
    let mut listed = match &request.narrow {
        Narrow::Every => match tally {
            Tally::Added(sum) => top(column, kind, request.limit, tally, sum.seen.iter().copied()),
            Tally::Kept { .. } | Tally::Docs(_) => top_of_all(columns, kind, request, tally),
        },
        Narrow::Containing(part) => {
            let all = 0..column.values.len() as u32;
            let fitting = all.filter(|at| contains(&column.values[*at as usize].text, part));
            top(column, kind, request.limit, tally, fitting)
        }
        Narrow::Only(values) => only(column, kind, request, values, tally),
    };
    let shown: HashSet<u32> = listed.iter().map(|(_, at)| *at).collect();
    let mut others: Vec<(u64, u32)> =
        chosen.difference(&shown).map(|at| (tally.of(*at, &column.values[*at as usize], kind), *at)).collect();
    sort(column, &mut others);
    listed.append(&mut others);
    let values = listed
        .into_iter()
        .map(|(count, at)| FacetCount { value: column.values[at as usize].text.to_string(), count, chosen: chosen.contains(&at) })
        .collect();
    FacetCounts { facet: request.facet, values }
}

fn sort(column: &FacetColumn, listed: &mut [(u64, u32)]) {
    let text = |at: u32| &column.values[at as usize].text;
    listed.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| text(a.1).cmp(text(b.1))));
}

fn only(column: &FacetColumn, kind: usize, request: &FacetRequest, values: &[String], tally: &Tally<'_>) -> Vec<(u64, u32)> {
    let mut ats: Vec<u32> = values.iter().filter_map(|value| column.find(request.facet, value)).collect();
    ats.sort_unstable();
    ats.dedup();
    let mut listed: Vec<(u64, u32)> = ats.into_iter().map(|at| (tally.of(at, &column.values[at as usize], kind), at)).collect();
    sort(column, &mut listed);
    listed.truncate(request.limit);
    listed
}

/// The most frequent of all values: of the most frequent without conditions first, as long as any can still be among them.
fn top_of_all(columns: &Columns, kind: usize, request: &FacetRequest, tally: &Tally<'_>) -> Vec<(u64, u32)> {
    let column = columns.column(request.facet);
    let heads = column.heads(kind, columns.values_version);
    let mut best = Best::new(column, kind, request.limit);
    for at in &heads.values {
        if !best.may_be(*at) {
            return best.into_sorted();
        }
        best.add(*at, tally);
    }
    if u64::from(heads.rest) >= best.least() {
        (0..column.values.len() as u32).filter(|at| !heads.set.contains(*at)).for_each(|at| best.add(at, tally));
    }
    best.into_sorted()
}

/// The most frequent of the values, which may come in any order.
fn top(column: &FacetColumn, kind: usize, limit: usize, tally: &Tally<'_>, values: impl Iterator<Item = u32>) -> Vec<(u64, u32)> {
    let mut best = Best::new(column, kind, limit);
    values.for_each(|at| best.add(at, tally));
    best.into_sorted()
}

/// The most frequent values so far.
struct Best<'a> {
    column: &'a FacetColumn,
    kind: usize,
    limit: usize,
    heap: BinaryHeap<Reverse<(u64, Reverse<&'a str>, u32)>>,
}

impl<'a> Best<'a> {
    fn new(column: &'a FacetColumn, kind: usize, limit: usize) -> Self {
        Self { column, kind, limit, heap: BinaryHeap::with_capacity(limit + 1) }
    }

    /// What a value must have to be among them.
    fn least(&self) -> u64 {
        match self.heap.peek() {
            _ if self.limit == 0 => u64::MAX,
            Some(Reverse((count, ..))) if self.heap.len() == self.limit => *count,
            Some(_) | None => 1,
        }
    }

    /// Whether a value may have enough: with conditions, it is not more frequent than without.
    fn may_be(&self, at: u32) -> bool {
        u64::from(self.column.values[at as usize].of_kind(self.kind)) >= self.least()
    }

    fn add(&mut self, at: u32, tally: &Tally<'_>) {
        if !self.may_be(at) {
            return;
        }
        let value = &self.column.values[at as usize];
        let count = tally.of(at, value, self.kind);
        if count >= self.least() {
            self.heap.push(Reverse((count, Reverse(&value.text), at)));
            if self.heap.len() > self.limit {
                self.heap.pop();
            }
        }
    }

    fn into_sorted(self) -> Vec<(u64, u32)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse((count, _, at))| (count, at)).collect()
    }
}

/// Whether `text` contains `part`, whatever the case of ASCII letters.
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
