//! How many of what was found have each value of a facet: exact, in one of four ways, by what is cheapest.
//!
//! Without any condition the numbers are kept up to date with each change. Otherwise, of few documents the values are
//! added up. Of more, their frequent values are added up, and the set is intersected with that of rare ones. Of very
//! many the set is intersected with that of every value. Sets are taken in the order of how many documents have the
//! value, until no other value can have more.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    mem,
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::{
    Clause, Counting, Facet, FacetCount, FacetCounts, FacetRequest, Narrow, Rule, SearchQuery, Visible,
    embedded::{
        bits::Bits,
        columns::Columns,
        facets::{FacetColumn, Value},
        filter::{Filter, Passed},
        lists::ValueLists,
        two,
    },
};

/// Of one in so many documents, adding up all values is faster than intersecting with the sets of rare ones. Measured with
/// `benches/scale.rs`.
const FEW: u64 = 32;
/// Of one in so many documents, adding up frequent values is faster than intersecting with their sets.
const NOT_MANY: u64 = 8;
/// A facet with so many values is worth it alone: the fewer documents, the more of its values have to be looked at.
const MANY_VALUES: usize = 1_000;
/// From so many documents on, facets are counted by two threads.
const WORTH_TWO: usize = 50_000;
/// From so many found documents on, values are added up by two threads.
const MANY_TO_ADD: u64 = 1_000;
/// How many lists of counts are kept for the next query: to fill them with zeros anew takes longer than to count.
const SPARE: usize = 64;

/// Sets of documents by value, as numbers.
enum Tally<'a> {
    /// Everything that is public and, in addition, these.
    Kept { more: &'a [u32], public: bool },
    /// These, of which some values were added up.
    Docs { docs: &'a Bits, rare: Option<&'a Sum>, frequent: Option<&'a Sum> },
}

impl Tally<'_> {
    fn of(&self, at: u32, value: &Value, kind: usize) -> u64 {
        match self {
            Self::Kept { more, public } => {
                let kept = if *public { value.public_of_kind(kind) } else { value.of_kind(kind) };
                u64::from(kept + more.get(at as usize).copied().unwrap_or(0))
            }
            Self::Docs { docs, rare, frequent } => match if value.docs.is_few() { rare } else { frequent } {
                Some(sum) => u64::from(sum.counts.get(at as usize).copied().unwrap_or(0)),
                None => value.docs.len_within(docs),
            },
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
type ByFacet = [Option<Sum>; Facet::EVERY.len()];

/// What was added up of some documents.
#[derive(Default)]
struct Sums {
    rare: ByFacet,
    frequent: ByFacet,
}

impl Sums {
    /// The counts of a facet among `docs`, of which these are.
    fn tally<'a>(&'a self, facet: Facet, docs: &'a Bits) -> Tally<'a> {
        Tally::Docs { docs, rare: self.rare[facet.index()].as_ref(), frequent: self.frequent[facet.index()].as_ref() }
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
    let all_conditions = facets().filter(|facet| !filter.is_open() && !filter.has_choice(*facet));
    let shared = add_up_some(columns, all_conditions, docs, total);
    let own_private = LazyLock::new(|| match &query.visible {
        Visible::PublicAnd(owners) if !owners.is_empty() => {
            let mut own = columns.visible(kind, &query.visible);
            own.exclude(&columns.public);
            let mut sums = ByFacet::default();
            add_up(columns, &columns.values.rare, facets(), &own, &mut sums);
            add_up(columns, &columns.values.frequent, facets(), &own, &mut sums);
            sums
        }
        Visible::Public | Visible::PublicAnd(_) | Visible::All => ByFacet::default(),
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
                let more = own_private[request.facet.index()].as_ref().map_or(&[][..], |sum| &sum.counts);
                Tally::Kept { more, public: query.visible != Visible::All }
            }
            Some(Passed::Docs(apart)) => {
                let is_long = columns.column(request.facet).values.len() > MANY_VALUES;
                added = add_up_some(columns, is_long.then_some(request.facet).into_iter(), apart, apart.len());
                added.tally(request.facet, apart)
            }
            None => shared.tally(request.facet, docs),
        };
        list(columns, kind, request, &query.clauses, &tally)
    };
    // To begin a thread takes longer than to count little.
    if columns.ordinals() < WORTH_TWO || filter.is_open() {
        return query.facets.iter().map(answer).collect();
    }
    two::map(&query.facets, answer)
}

/// Adds up values of `docs`, which are `len`: all, or the frequent ones, or none.
fn add_up_some(columns: &Columns, facets: impl Iterator<Item = Facet>, docs: &Bits, len: u64) -> Sums {
    let facets: Vec<Facet> = facets.collect();
    let all = columns.ordinals() as u64;
    let added = |(values, most): &(&ValueLists, u64)| {
        let mut sums = ByFacet::default();
        if len <= *most {
            add_up(columns, values, facets.iter().copied(), docs, &mut sums);
        }
        sums
    };
    let parts = [(&columns.values.rare, all / FEW), (&columns.values.frequent, all / NOT_MANY)];
    let is_worth_two = len >= MANY_TO_ADD && len <= all / FEW;
    let mut sums = if is_worth_two { two::map(&parts, added) } else { parts.iter().map(added).collect() };
    Sums { frequent: sums.pop().unwrap_or_default(), rare: sums.pop().unwrap_or_default() }
}

/// Adds `values` of `docs` to the sums, all facets in one go: most of the time goes into reaching a document.
fn add_up(columns: &Columns, values: &ValueLists, facets: impl Iterator<Item = Facet>, docs: &Bits, sums: &mut ByFacet) {
    for facet in facets {
        sums[facet.index()].get_or_insert_with(|| Sum::of(columns.column(facet).values.len()));
    }
    if sums.iter().any(Option::is_some) {
        values.of_each(docs.iter(), |value| {
            if let Some(sum) = &mut sums[value.facet()] {
                sum.add(value.at());
            }
        });
    }
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
            Tally::Docs { rare: Some(rare), frequent: Some(frequent), .. } => {
                Best::new(column, kind, request.limit).with_counted(rare).with_counted(frequent).into_sorted()
            }
            Tally::Docs { .. } | Tally::Kept { .. } => top_of_all(columns, kind, request, tally),
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
        let others = (0..column.values.len() as u32).filter(|at| !heads.set.contains(*at));
        others.for_each(|at| best.add(at, tally));
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
        self.push(at, count);
    }

    /// With all that were counted.
    fn with_counted(mut self, sum: &Sum) -> Self {
        for at in &sum.seen {
            self.push(*at, u64::from(sum.counts[*at as usize]));
        }
        self
    }

    fn push(&mut self, at: u32, count: u64) {
        if count >= self.least() {
            self.heap.push(Reverse((count, Reverse(&self.column.values[at as usize].text), at)));
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
