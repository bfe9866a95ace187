//! A shard is checked against the hub's own record of its xorbs, with the lists of some xorbs at a time: a small shard can name xorbs
//! whose lists together are a thousand times as long as it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use hub_types::XetHash;
use hub_xet::{FileCheck, FileEntry, MAX_SHARD_FILE_CHUNKS, Shard, ShardError, is_dedup_candidate};

use super::store::{self, Window};
use super::{LISTS_AT_ONCE, Xorb};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How many chunks of a xorb the hub wants to be found by without being asked to. One in 1024 is meant to be, so 8 of the most.
const MAX_CANDIDATES: usize = 64;
/// How many chunks one shard makes findable: as many as the most chunks that a shard may have are likely to have.
const MAX_INDEXED: usize = 1 << 17;

/// A shard that holds.
#[derive(Debug)]
pub(super) struct Checked {
    /// Its files.
    pub(super) files: Vec<FileEntry>,
    /// Chunks by which later uploads find its xorbs: the first of each file, those that clients ask for by their hash, and those the
    /// client marked.
    pub(super) chunks: Vec<XetHash>,
    /// At the same places, the xorbs that they are in.
    pub(super) xorbs: Vec<XetHash>,
}

/// Checks the proofs and hashes of all files.
///
/// # Errors
/// 400 for a shard that does not hold.
pub(super) async fn verify(app: &App, shard: Shard) -> HubResult<Checked> {
    let (mut work, mut run) = blocking(move || {
        let work = Verification::new(shard);
        let run = work.next_run();
        Ok((work, run))
    })
    .await?;
    while let Some(found) = run {
        let window = store::load_window(app, &found.xorbs).await?;
        (work, run) = blocking(move || {
            work.check(&found, &window)?;
            let next = work.next_run();
            Ok((work, next))
        })
        .await?;
    }
    Ok(work.finish())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> HubResult<T> + Send + 'static) -> HubResult<T> {
    tokio::task::spawn_blocking(work).await?
}

/// A part of a shard that needs no more xorbs than may be looked at together.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    xorbs: Vec<XetHash>,
    /// The file and the term at which it ends.
    end: (usize, usize),
}

/// How far the check of a shard is.
#[derive(Debug)]
struct Verification {
    shard: Shard,
    /// What the shard says of its new xorbs, by their hashes.
    sections: HashMap<XetHash, usize>,
    file: usize,
    check: FileCheck,
    /// Chunks of all lists that were looked at.
    listed: u64,
    index: BTreeSet<(XetHash, XetHash)>,
}

impl Verification {
    fn new(shard: Shard) -> Self {
        let sections = shard.xorbs.iter().enumerate().map(|(at, section)| (section.hash, at)).collect();
        Self { shard, sections, file: 0, check: FileCheck::default(), listed: 0, index: BTreeSet::new() }
    }

    /// What is looked at next; nothing at the end.
    fn next_run(&self) -> Option<Run> {
        let (mut xorbs, mut seen) = (Vec::new(), HashSet::new());
        let mut first = self.check.next_term();
        for (at, file) in self.shard.files.iter().enumerate().skip(self.file) {
            for (term, part) in file.terms.iter().enumerate().skip(first) {
                if seen.contains(&part.xorb) {
                    continue;
                }
                if xorbs.len() == LISTS_AT_ONCE {
                    return Some(Run { xorbs, end: (at, term) });
                }
                seen.insert(part.xorb);
                xorbs.push(part.xorb);
            }
            first = 0;
        }
        let end = (self.shard.files.len(), 0);
        (self.file < end.0).then_some(Run { xorbs, end })
    }

    fn check(&mut self, run: &Run, window: &Window) -> HubResult<()> {
        let lookup = |hash: &XetHash| window.xorbs.get(hash).map(|xorb| Arc::clone(&xorb.info));
        let refused = |error: ShardError| HubError::bad_request(format!("The shard was refused: {error}. Nothing was stored."));
        self.count(window)?;
        while let Some(file) = self.shard.files.get(self.file) {
            let is_whole = self.file < run.end.0;
            if self.check.next_term() == 0 {
                let first = file.terms.first().and_then(|term| Some((term, window.xorbs.get(&term.xorb)?)));
                let chunk =
                    first.and_then(|(term, xorb)| Some((*xorb.info.chunks().get(term.start as usize)?.hash(), term.xorb)));
                self.index.extend(chunk);
            }
            self.check.go_on(file, if is_whole { file.terms.len() } else { run.end.1 }, lookup).map_err(refused)?;
            if !is_whole {
                break;
            }
            std::mem::take(&mut self.check).finish(file).map_err(refused)?;
            self.file += 1;
        }
        for (hash, xorb) in &window.xorbs {
            self.note(hash, xorb);
        }
        Ok(())
    }

    /// Bounds the work: a shard could lead back and forth between xorbs with long lists.
    fn count(&mut self, window: &Window) -> HubResult<()> {
        let chunks: u64 = window.xorbs.values().map(|xorb| u64::from(xorb.info.chunk_count())).sum();
        self.listed = self.listed.saturating_add(chunks);
        match self.listed > MAX_SHARD_FILE_CHUNKS {
            true => Err(HubError::bad_request(
                "The shard was refused: its files lead to too many chunks. Nothing was stored; send fewer files at once.",
            )),
            false => Ok(()),
        }
    }

    /// Notes by which chunks a xorb is found.
    fn note(&mut self, hash: &XetHash, xorb: &Xorb) {
        let chunks = xorb.info.chunks();
        let candidates = chunks.iter().filter(|chunk| is_dedup_candidate(chunk.hash())).take(MAX_CANDIDATES);
        let section = self.sections.get(hash).and_then(|at| self.shard.xorbs.get(*at));
        let flagged = section.into_iter().flat_map(|section| &section.flagged).filter_map(|at| chunks.get(*at as usize));
        for chunk in candidates.chain(flagged) {
            if self.index.len() >= MAX_INDEXED {
                return;
            }
            self.index.insert((*chunk.hash(), *hash));
        }
    }

    fn finish(self) -> Checked {
        let (chunks, xorbs) = self.index.into_iter().unzip();
        Checked { files: self.shard.files, chunks, xorbs }
    }
}

#[cfg(test)]
mod tests;
