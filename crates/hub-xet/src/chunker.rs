//! Cutting bytes into chunks at the places where every client cuts them.
//!
//! The clients' own chunker is in a crate that brings a whole transfer stack. This is the same rule; the
//! tests hold cuts that the clients make. Any difference would end deduplication between what the hub
//! and what clients cut.

use gearhash::Hasher;

use crate::limits::MAX_CHUNK_BYTES;

/// Least bytes of a chunk that is not the last of its file.
const MIN: usize = 8 * 1024;

const MAX: usize = MAX_CHUNK_BYTES as usize;

/// Bytes that the rolling hash looks back at.
const WINDOW: usize = 64;

/// A cut is where these bits of the rolling hash are zero: every 64 KiB on average.
const MASK: u64 = 0xffff_0000_0000_0000;

/// Cuts a file into chunks as its bytes come, holding at most one chunk.
#[derive(Debug, Default)]
pub struct Chunker {
    hasher: Hasher<'static>,
    /// What came of the chunk that is not whole yet.
    partial: Vec<u8>,
}

impl Chunker {
    /// Starts a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the front of `data`, as many as there are up to the end of a chunk, and answers
    /// that chunk. Nothing is answered when `data` is used up first. To be called until `data` is empty.
    pub fn next<'a>(&mut self, data: &mut &'a [u8]) -> Option<std::borrow::Cow<'a, [u8]>> {
        let cut = self.find_cut(data);
        let (now, later) = data.split_at(cut.unwrap_or(data.len()));
        *data = later;
        if cut.is_some() && self.partial.is_empty() {
            return Some(now.into());
        }
        self.partial.extend_from_slice(now);
        cut.map(|_| std::mem::take(&mut self.partial).into())
    }

    /// Ends the file: its last chunk, unless the file is empty or ended with a cut.
    pub fn finish(self) -> Option<Vec<u8>> {
        (!self.partial.is_empty()).then_some(self.partial)
    }

    /// Where in `data` the open chunk ends, if it does.
    fn find_cut(&mut self, data: &[u8]) -> Option<usize> {
        let before = self.partial.len();
        // No cut can come in the first bytes, so that hashing begins one window in front of the minimum.
        let skip = if before + WINDOW < MIN { (MIN - before - WINDOW - 1).min(data.len()) } else { 0 };
        let limit = data.len().min(MAX - before);
        let mut at = skip;
        while let Some(matched) = self.hasher.next_match(&data[at..limit], MASK) {
            at += matched;
            // A cut that came early is due to what was hashed before the chunk.
            if before + at >= MIN {
                self.hasher.set_hash(0);
                return Some(at);
            }
        }
        if before + limit < MAX {
            return None;
        }
        self.hasher.set_hash(0);
        Some(limit)
    }
}
