//! How many of what was found have each value of a facet: exact, in one of four ways, by what is cheapest.
//!
//! Without any condition the numbers are kept up to date with each change. Otherwise, of few documents the values are
//! added up. Of more, their rare values are added up, and the set is intersected with that of each other value. Of very
//! many the set is intersected with that of every value, the most frequent first, until no other value can have more.

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

/// Of one in so many documents, adding up is faster than intersecting. Measured with `benches/scale.rs`.
const FEW: u64 = 256;
/// Of one in so many documents, adding up rare values is faster than intersecting with their sets.
const NOT_MANY: u64 = 32;
/// A facet with so many values is worth it alone: the fewer documents, the more of its values have to be looked at.
const MANY_VALUES: usize = 1_000;
/// From so many documents on, facets are counted by two threads.
const WORTH_TWO: usize = 50_000;
/// How many lists of counts are kept for the next query: to fill them with zeros anew takes longer than to count.
const SPARE: usize = 64;

/// Sets of documents by value, as numbers.
enum Tally<'a> {
    /// Everything that is public and, in addition, these.
    Kept { more: &'a [u32], public: bool },
    /// By value.
    Added(&'a Sum),
    /// By value if it is rare; the others are to be intersected.
    Rare(&'a Sum, &'a Bits),
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
            Self::Rare(sum, _) if value.docs.is_few() => u64::from(sum.counts.get(at as usize).copied().unwrap_or(0)),
            Self::Rare(_, docs) | Self::Docs(docs) => value.docs.len_within(docs),
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
struct Sums {
    by_facet: [Option<Sum>; Facet::EVERY.len()],
    /// Whether of rare values only.
    rare: bool,
}

impl Sums {
    fn of(&self, facet: Facet) -> Option<&Sum> {
        self.by_facet[facet.index()].as_ref()
    }

    /// The counts of a facet: by its sum, if there is one, or else by `docs`.
    fn tally<'a>(&'a self, facet: Facet, docs: &'a Bits) -> Tally<'a> {
        match self.of(facet) {
            Some(sum) if self.rare => Tally::Rare(sum, docs),
            Some(sum) => Tally::Added(sum),
            None => Tally::Docs(docs),
        }
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
    let shared = LazyLock::new(|| add_up_some(columns, facets(), docs, total));
    let own_private = LazyLock::new(|| match &query.visible {
        Visible::PublicAnd(owners) if !owners.is_empty() => {
            let mut own = columns.visible(kind, &query.visible);
            own.exclude(&columns.public);
            add_up(columns, &columns.values, facets(), &own)
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

/// Adds up the values of `docs`, which are `len`: all, or the rare ones, or none.
fn add_up_some(columns: &Columns, facets: impl Iterator<Item = Facet>, docs: &Bits, len: u64) -> Sums {
    let all = columns.ordinals() as u64;
    if len <= all / FEW {
        add_up(columns, &columns.values, facets, docs)
    } else if len <= all / NOT_MANY {
        Sums { rare: true, ..add_up(columns, &columns.rare, facets, docs) }
    } else {
        Sums::default()
    }
}

/// Adds up `values` of `docs`, all facets in one go: most of the time goes into reaching a document.
fn add_up(columns: &Columns, values: &ValueLists, facets: impl Iterator<Item = Facet>, docs: &Bits) -> Sums {
    let mut sums = Sums::default();
    for facet in facets {
        sums.by_facet[facet.index()] = Some(Sum::of(columns.column(facet).values.len()));
    }
    if sums.by_facet.iter().any(Option::is_some) {
        values.of_each(docs.iter(), |value| {
            if let Some(sum) = &mut sums.by_facet[value.facet()] {
                sum.add(value.at());
            }
        });
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
            Tally::Added(sum) => Best::new(column, kind, request.limit).with_counted(sum).into_sorted(),
            Tally::Rare(sum, _) => top_of_all(columns, kind, request, tally, Some(sum)),
            Tally::Kept { .. } | Tally::Docs(_) => top_of_all(columns, kind, request, tally, None),
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
/// Of rare values it is known which there are, if they were added up.
fn top_of_all(columns: &Columns, kind: usize, request: &FacetRequest, tally: &Tally<'_>, rare: Option<&Sum>) -> Vec<(u64, u32)> {
    let column = columns.column(request.facet);
    let heads = column.heads(kind, columns.values_version);
    let is_left = |at: &u32| rare.is_none() || !column.values[*at as usize].docs.is_few();
    let mut best = Best::new(column, kind, request.limit);
    if let Some(sum) = rare {
        best = best.with_counted(sum);
    }
    for at in heads.values.iter().filter(|at| is_left(at)) {
        if !best.may_be(*at) {
            return best.into_sorted();
        }
        best.add(*at, tally);
    }
    if u64::from(heads.rest) >= best.least() {
        let others = (0..column.values.len() as u32).filter(|at| !heads.set.contains(*at));
        others.filter(is_left).for_each(|at| best.add(at, tally));
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
