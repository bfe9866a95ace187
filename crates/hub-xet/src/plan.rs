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
    let file_len = terms.iter().map(|term| u64::from(term.raw_len)).sum();
    let bytes = match wanted {
        None => 0..file_len,
        Some(range) if range.start >= file_len => {
            return Err(PlanError::PastEnd { start: range.start, file_len });
        }
        Some(range) if range.end <= range.start => return Err(PlanError::EmptyRange),
        Some(range) => range.start..range.end.min(file_len),
    };
    let mut xorbs = UsedXorbs { lookup, places: HashMap::new(), used: Vec::new() };
    let mut plan = Plan { bytes: bytes.clone(), terms: Vec::new(), offset_into_first_range: 0, xorbs: Vec::new() };
    let mut term_start = 0;
    for term in terms {
        let term_end = term_start + u64::from(term.raw_len);
        if term_end > bytes.start && term_start < bytes.end {
            let (term, skipped) = xorbs.narrow(term, term_start, &bytes)?;
            if plan.terms.is_empty() {
                plan.offset_into_first_range = bytes.start.saturating_sub(term_start + u64::from(skipped));
            }
            plan.terms.push(term);
        }
        term_start = term_end;
        if term_start >= bytes.end {
            break;
        }
    }
    plan.xorbs = xorbs.used.into_iter().map(UsedXorb::merged).collect::<Result<_, _>>()?;
    Ok(plan)
}

struct UsedXorbs<L> {
    lookup: L,
    places: HashMap<XetHash, usize>,
    used: Vec<UsedXorb>,
}

impl<L: Fn(&XetHash) -> Option<Arc<XorbInfo>>> UsedXorbs<L> {
    /// Cuts the chunks of a term that begins at byte `term_start` of the file to those that overlap
    /// `bytes`, and notes that they are used. Answers the bytes cut off in front, too.
    fn narrow(&mut self, term: &Term, term_start: u64, bytes: &Range<u64>) -> Result<(Term, u32), PlanError> {
        let place = self.place(&term.xorb)?;
        let used = &mut self.used[place];
        let inconsistent = || PlanError::Inconsistent(term.xorb);
        let chunks = used.info.range(term.start..term.end).map_err(|_| inconsistent())?;
        let base = used.info.raw_offset(term.start).unwrap_or(0);
        if chunks.last().map(|last| last.raw_end() - base) != Some(term.raw_len) {
            return Err(inconsistent());
        }
        // What is wanted of the term, in bytes from its beginning; both fit because the term does.
        let from = bytes.start.saturating_sub(term_start).min(u64::from(term.raw_len)) as u32;
        let to = (bytes.end - term_start).min(u64::from(term.raw_len)) as u32;
        let before = chunks.partition_point(|chunk| chunk.raw_end() - base <= from);
        let through = chunks.partition_point(|chunk| chunk.raw_end() - base < to);
        let start = term.start + before as u32;
        let end = term.start + through as u32 + 1;
        let raw_len = used.info.raw_len(start..end).map_err(|_| inconsistent())?;
        let skipped = used.info.raw_offset(start).unwrap_or(base) - base;
        used.runs.push((start, end));
        Ok((Term { xorb: term.xorb, start, end, raw_len }, skipped))
    }

    fn place(&mut self, xorb: &XetHash) -> Result<usize, PlanError> {
        if let Some(place) = self.places.get(xorb) {
            return Ok(*place);
        }
        let info = (self.lookup)(xorb).ok_or(PlanError::UnknownXorb(*xorb))?;
        let place = self.used.len();
        self.used.push(UsedXorb { hash: *xorb, info, runs: Vec::new() });
        self.places.insert(*xorb, place);
        Ok(place)
    }
}

struct UsedXorb {
    hash: XetHash,
    info: Arc<XorbInfo>,
    /// Start and end of the chunks of each term, in file order.
    runs: Vec<(u32, u32)>,
}

impl UsedXorb {
    /// The runs in order, joined where they overlap or touch.
    fn merged(mut self) -> Result<PlanXorb, PlanError> {
        self.runs.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (start, end) in self.runs {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        let ranges = merged.into_iter().map(|(start, end)| {
            let bytes = self.info.stored_range(start..end).map_err(|_| PlanError::Inconsistent(self.hash))?;
            Ok(PlanRange { chunks: start..end, bytes: bytes.start..=bytes.end - 1 })
        });
        Ok(PlanXorb { hash: self.hash, ranges: ranges.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests;
