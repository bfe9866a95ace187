//! A file as scanners read it: at any place, in blocks that somebody fetches.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

/// How many bytes are asked for at once.
pub const BLOCK_BYTES: u64 = 256 << 10;

/// Reads a file.
pub struct Blocks<F> {
    fetch: F,
    size: u64,
    at: u64,
    block_at: u64,
    block: Bytes,
}

impl<F: FnMut(Range<u64>) -> io::Result<Bytes>> Blocks<F> {
    /// Of a file of a size; `fetch` gives a part of it.
    pub fn new(size: u64, fetch: F) -> Self {
        Self { fetch, size, at: 0, block_at: 0, block: Bytes::new() }
    }
}

impl<F: FnMut(Range<u64>) -> io::Result<Bytes>> Read for Blocks<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let offset = |at: u64, start: u64| at.checked_sub(start).and_then(|offset| usize::try_from(offset).ok());
        let inside = |offset: Option<usize>, block: &Bytes| offset.filter(|offset| *offset < block.len());
        if inside(offset(self.at, self.block_at), &self.block).is_none() {
            let range = self.at..self.at.saturating_add(BLOCK_BYTES).min(self.size);
            self.block = (self.fetch)(range)?;
            self.block_at = self.at;
        }
        let Some(start) = inside(offset(self.at, self.block_at), &self.block) else { return Ok(0) };
        let count = buffer.len().min(self.block.len() - start);
        buffer[..count].copy_from_slice(&self.block[start..start + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl<F> Seek for Blocks<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = hub_scan::sought(to, self.at, self.size)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_fetched_once_each() {
        let bytes = Bytes::from((0..=255).cycle().take(600_000).collect::<Vec<u8>>());
        let mut fetched = Vec::new();
        let mut blocks = Blocks::new(600_000, |range: Range<u64>| {
            fetched.push(range.clone());
            Ok(bytes.slice(range.start as usize..range.end as usize))
        });
        let mut all = Vec::new();
        blocks.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
        blocks.seek(SeekFrom::End(-2)).unwrap();
        assert_eq!(blocks.read(&mut [0; 8]).unwrap(), 2);
        assert!(blocks.seek(SeekFrom::Current(-700_000)).is_err());
        let block = BLOCK_BYTES;
        assert_eq!(fetched, [0..block, block..2 * block, 2 * block..600_000]);
    }
}
