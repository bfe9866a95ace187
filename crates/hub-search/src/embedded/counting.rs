//! How many of what was found have each value of a facet: exact, in one of three ways, by what is cheapest.
//!
//! Without any condition the numbers are kept up to date with each change. Otherwise the set is intersected with that of
//! each value, the most frequent first, until no other value can have more. Where there are many values and few documents,
//! the values of the documents are added up instead.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    mem,
    sync::{Mutex, PoisonError},
};

use roaring::RoaringBitmap;

use crate::{
    Clause, Counting, Facet, FacetCount, FacetCounts, FacetRequest, Narrow, Rule, SearchQuery, Visible,
    embedded::{
        columns::Columns,
        facets::{FacetColumn, Value},
        filter::Filter,
    },
};

/// Up to so many documents, adding up is faster than intersecting with many values. Measured with `benches/scale.rs`.
const FEW: u64 = 40_000;
/// How many values are many.
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
    Docs(&'a RoaringBitmap),
}

impl Tally<'_> {
    fn of(&self, at: u32, value: &Value, kind: usize) -> u64 {
        match self {
            Self::Kept { more, public } => {
                let kept = if *public { value.public_of_kind(kind) } else { value.of_kind(kind) };
                u64::from(kept + more.get(at as usize).copied().unwrap_or(0))
            }
            Self::Added(sum) => u64::from(sum.counts.get(at as usize).copied().unwrap_or(0)),
            Self::Docs(docs) => docs.intersection_len(&value.docs),
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

/// Answers all requests of a query. `docs` is what fulfils all of its conditions.
pub(crate) fn count(
    columns: &Columns,
    kind: usize,
    query: &SearchQuery,
    filter: &Filter,
    docs: &RoaringBitmap,
) -> Vec<FacetCounts> {
    let facets: Vec<Facet> = query.facets.iter().map(|request| request.facet).collect();
    let is_added = |facet: Facet, docs: &RoaringBitmap| docs.len() <= FEW && columns.column(facet).values.len() > MANY_VALUES;
    let long: Vec<Facet> = facets.iter().copied().filter(|facet| is_added(*facet, docs)).collect();
    let shared = match &query.visible {
        _ if !filter.is_open => add_up(columns, &long, docs),
        Visible::PublicAnd(owners) if filter.is_open && !owners.is_empty() => add_up(columns, &facets, &(docs - &columns.public)),
        Visible::Public | Visible::PublicAnd(_) | Visible::All => HashMap::new(),
    };
    let none = Sum::default();
    let answer = |request: &FacetRequest| {
        let apart = match request.counting {
            Counting::WithoutOwnClauses => filter.docs_without(request.facet),
            Counting::WithAllClauses => None,
        };
        let own = apart
            .as_ref()
            .filter(|apart| is_added(request.facet, apart))
            .and_then(|apart| add_up(columns, &[request.facet], apart).remove(&request.facet));
        let sum = shared.get(&request.facet).unwrap_or(&none);
        let tally = match (&apart, &own) {
            (_, Some(own)) => Tally::Added(own),
            (Some(apart), None) => Tally::Docs(apart),
            (None, None) if filter.is_open => Tally::Kept { more: &sum.counts, public: query.visible != Visible::All },
            (None, None) if is_added(request.facet, docs) => Tally::Added(sum),
            (None, None) => Tally::Docs(docs),
        };
        list(columns, kind, request, &query.clauses, &tally)
    };
    query.facets.iter().map(answer).collect()
}

/// Adds up the values of `docs`, all facets in one go: most of the time goes into reaching a document.
fn add_up(columns: &Columns, facets: &[Facet], docs: &RoaringBitmap) -> HashMap<Facet, Sum> {
    if facets.is_empty() {
        return HashMap::new();
    }
    let mut sums: [Option<Sum>; Facet::EVERY.len()] = Default::default();
    for facet in facets {
        sums[facet.index()] = Some(Sum::of(columns.column(*facet).values.len()));
    }
    for value in docs.iter().flat_map(|ord| columns.values(ord)) {
        if let Some(sum) = &mut sums[value.facet()] {
            sum.add(value.at());
        }
    }
    Facet::EVERY.into_iter().zip(sums).filter_map(|(facet, sum)| Some((facet, sum?))).collect()
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

fn top_of_all(columns: &Columns, kind: usize, request: &FacetRequest, tally: &Tally<'_>) -> Vec<(u64, u32)> {
    let column = columns.column(request.facet);
    let heads = column.heads(kind, columns.version);
    let listed = top(column, kind, request.limit, tally, heads.values.iter().copied());
    let is_full = listed.len() == request.limit;
    if heads.rest == 0 || (is_full && listed.last().is_some_and(|(count, _)| *count > u64::from(heads.rest))) {
        return listed;
    }
    top(column, kind, request.limit, tally, 0..column.values.len() as u32)
}

/// The most frequent of the values, which may come in any order; the fewer there are to count the more frequent the
/// first of them are.
fn top(column: &FacetColumn, kind: usize, limit: usize, tally: &Tally<'_>, values: impl Iterator<Item = u32>) -> Vec<(u64, u32)> {
    if limit == 0 {
        return Vec::new();
    }
    let mut best: BinaryHeap<Reverse<(u64, Reverse<&str>, u32)>> = BinaryHeap::with_capacity(limit + 1);
    for at in values {
        let value = &column.values[at as usize];
        let least = if best.len() == limit { best.peek().map_or(0, |Reverse((count, ..))| *count) } else { 0 };
        if u64::from(value.of_kind(kind)) < least.max(1) {
            continue;
        }
        let count = tally.of(at, value, kind);
        if count == 0 || count < least {
            continue;
        }
        best.push(Reverse((count, Reverse(&value.text), at)));
        if best.len() > limit {
            best.pop();
        }
    }
    best.into_sorted_vec().into_iter().map(|Reverse((count, _, at))| (count, at)).collect()
}

/// Whether `text` contains `part`, whatever the case of ASCII letters.
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
