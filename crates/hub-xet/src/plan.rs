//! Reconstruction plans: which chunks a range of a file needs, and where in their xorbs they lie.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use hub_types::XetHash;

use crate::term::Term;
use crate::xorb::XorbInfo;

/// How to make a range of a file from stored xorbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The bytes of the file that this makes; what was wanted, cut at the end of the file.
    pub bytes: Range<u64>,
    /// The terms that overlap them, in file order, the first and the last narrowed to whole chunks.
    pub terms: Vec<Term>,
    /// Bytes at the front of the first term that come before what is wanted.
    pub offset_into_first_range: u64,
    /// The xorbs to read, in the order in which the terms first name them.
    pub xorbs: Vec<PlanXorb>,
}

/// The parts of a xorb that a plan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanXorb {
    /// The xorb.
    pub hash: XetHash,
    /// Ranges in order, with unused chunks between any two of them. Every term lies within one.
    pub ranges: Vec<PlanRange>,
}

/// A run of used chunks of a xorb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRange {
    /// The chunks, end exclusive.
    pub chunks: Range<u32>,
    /// The bytes of the stored body, both ends included as in HTTP, chunk headers too.
    pub bytes: RangeInclusive<u32>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The range begins at or behind the end of the file (416 in HTTP).
    #[error("the file has {file_len} bytes: there is nothing from byte {start}")]
    PastEnd {
        /// First byte wanted.
        start: u64,
        /// Bytes of the file.
        file_len: u64,
    },
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    EmptyRange,
    /// The metadata of a xorb is missing.
    #[error("xorb {0}, of which the file is made, is not known")]
    UnknownXorb(XetHash),
    /// A term does not fit the xorb that it names.
    #[error("the file does not fit xorb {0}, of which it is made")]
    Inconsistent(XetHash),
}

/// Plans the bytes `wanted` of a file, or all of it. An end behind the end of the file is cut.
///
/// `lookup` is asked once for each xorb that is used, and for no other. The same question has the same
/// answer always: clients depend on it. Ranges are never joined across chunks that are not used,
/// because who may read the file may not read those.
pub fn plan(
    terms: &[Term],
    wanted: Option<Range<u64>>,
    lookup: impl Fn(&XetHash) -> Option<Arc<XorbInfo>>,
) -> Result<Plan, PlanError> {
    let mut planner = Planner::new(terms, wanted)?;
    for xorb in planner.xorbs() {
        let info = lookup(&xorb).ok_or(PlanError::UnknownXorb(xorb))?;
        planner.add(&info)?;
    }
    planner.finish()
}

/// What [`plan()`] does, with one xorb at a time in memory, in any order.
#[derive(Debug)]
pub struct Planner {
    /// Terms are whole, and xorbs without ranges, until the xorb was added.
    plan: Plan,
    /// Where the first term of the plan begins in the file.
    first_at: u64,
    /// Where the last one does.
    last_at: u64,
    /// The terms that name a xorb, by its place in the plan; none once it was added.
    named: Vec<Vec<usize>>,
    places: HashMap<XetHash, usize>,
}

impl Planner {
    /// Finds what terms and which xorbs the bytes `wanted` of a file need.
    pub fn new(terms: &[Term], wanted: Option<Range<u64>>) -> Result<Self, PlanError> {
        let file_len = terms.iter().map(|term| u64::from(term.raw_len)).sum();
        let bytes = match wanted {
            None => 0..file_len,
            Some(range) if range.start >= file_len => {
                return Err(PlanError::PastEnd { start: range.start, file_len });
            }
            Some(range) if range.end <= range.start => return Err(PlanError::EmptyRange),
            Some(range) => range.start..range.end.min(file_len),
        };
        let plan = Plan { bytes: bytes.clone(), terms: Vec::new(), offset_into_first_range: 0, xorbs: Vec::new() };
        let mut planner = Self { plan, first_at: 0, last_at: 0, named: Vec::new(), places: HashMap::new() };
        let mut at = 0;
        for term in terms {
            if at >= bytes.end {
                break;
            }
            let end = at + u64::from(term.raw_len);
            if end > bytes.start {
                planner.name(term, at);
            }
            at = end;
        }
        Ok(planner)
    }

    fn name(&mut self, term: &Term, at: u64) {
        if self.plan.terms.is_empty() {
            self.first_at = at;
        }
        self.last_at = at;
        let place = *self.places.entry(term.xorb).or_insert(self.named.len());
        if place == self.named.len() {
            self.named.push(Vec::new());
            self.plan.xorbs.push(PlanXorb { hash: term.xorb, ranges: Vec::new() });
        }
        self.named[place].push(self.plan.terms.len());
        self.plan.terms.push(*term);
    }

    /// How many terms the plan has.
    pub fn term_count(&self) -> usize {
        self.plan.terms.len()
    }

    /// The xorbs to [`add`](Self::add), each once.
    pub fn xorbs(&self) -> Vec<XetHash> {
        self.plan.xorbs.iter().map(|xorb| xorb.hash).collect()
    }

    /// Plans what is read of a xorb. One that the plan does not need changes nothing.
    pub fn add(&mut self, info: &XorbInfo) -> Result<(), PlanError> {
        let Some(place) = self.places.get(info.hash()).copied() else { return Ok(()) };
        let named = std::mem::take(&mut self.named[place]);
        if named.is_empty() {
            return Ok(());
        }
        let inconsistent = || PlanError::Inconsistent(*info.hash());
        let mut runs = Vec::with_capacity(named.len());
        for index in named {
            let term = self.narrow(index, info).ok_or_else(inconsistent)?;
            runs.push((term.start, term.end));
            self.plan.terms[index] = term;
        }
        self.plan.xorbs[place].ranges = merged(runs, info).ok_or_else(inconsistent)?;
        Ok(())
    }

    /// A term with those of its chunks that overlap what is wanted: only the first and the last term have others. `None` when it
    /// does not fit its xorb.
    fn narrow(&mut self, index: usize, info: &XorbInfo) -> Option<Term> {
        let term = self.plan.terms[index];
        let chunks = info.range(term.start..term.end).ok()?;
        let base = info.raw_offset(term.start).unwrap_or(0);
        if chunks.last().map(|last| last.raw_end() - base) != Some(term.raw_len) {
            return None;
        }
        // What is wanted of the term, in bytes from its beginning; both fit because the term does.
        let cut = |bytes: u64| bytes.min(u64::from(term.raw_len)) as u32;
        let is_last = index + 1 == self.plan.terms.len();
        let from = if index == 0 { cut(self.plan.bytes.start.saturating_sub(self.first_at)) } else { 0 };
        let to = if is_last { cut(self.plan.bytes.end.saturating_sub(self.last_at)) } else { term.raw_len };
        let before = chunks.partition_point(|chunk| chunk.raw_end() - base <= from);
        let through = chunks.partition_point(|chunk| chunk.raw_end() - base < to);
        let start = term.start + before as u32;
        let end = term.start + through as u32 + 1;
        let raw_len = info.raw_len(start..end).ok()?;
        if index == 0 {
            let skipped = info.raw_offset(start).unwrap_or(base) - base;
            self.plan.offset_into_first_range = self.plan.bytes.start.saturating_sub(self.first_at + u64::from(skipped));
        }
        Some(Term { xorb: term.xorb, start, end, raw_len })
    }

    /// The plan, if all its xorbs were added.
    pub fn finish(self) -> Result<Plan, PlanError> {
        match self.named.iter().position(|named| !named.is_empty()) {
            Some(place) => Err(PlanError::UnknownXorb(self.plan.xorbs[place].hash)),
            None => Ok(self.plan),
        }
    }
}

/// Runs of chunks in order, joined where they overlap or touch, with the bytes in which they lie.
fn merged(mut runs: Vec<(u32, u32)>, info: &XorbInfo) -> Option<Vec<PlanRange>> {
    runs.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (start, end) in runs {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    let ranges = merged.into_iter().map(|(start, end)| {
        let bytes = info.stored_range(start..end).ok()?;
        Some(PlanRange { chunks: start..end, bytes: bytes.start..=bytes.end - 1 })
    });
    ranges.collect()
}

#[cfg(test)]
mod tests;
