//! Decoding stored ranges of a xorb to the bytes of files, for readers that do not speak Xet.

use std::ops::Range;
use std::sync::Arc;

use crate::chunk::ChunkStream;
use crate::hash::chunk_hash;
use crate::xorb::{XorbError, XorbInfo};

/// Decodes the stored bytes of a range of chunks as they come, with memory for one chunk.
///
/// Every chunk is compared with the xorb's metadata before its bytes are given out: what was damaged
/// in the store is an error here, never a wrong file.
#[derive(Debug)]
pub struct RangeDecoder {
    info: Arc<XorbInfo>,
    next: u32,
    end: u32,
    stream: ChunkStream,
}

impl RangeDecoder {
    /// Starts to decode these chunks, whose stored bytes are at [`XorbInfo::stored_range`].
    pub fn new(info: Arc<XorbInfo>, chunks: Range<u32>) -> Result<Self, XorbError> {
        info.range(chunks.clone())?;
        Ok(Self { info, next: chunks.start, end: chunks.end, stream: ChunkStream::default() })
    }

    /// Takes stored bytes from the front of `stored`, as many as there are up to the end of a chunk, and
    /// answers that chunk's uncompressed bytes. Nothing is answered when `stored` is used up within a
    /// chunk. To be called until `stored` is empty.
    pub fn next<'a, 'i: 'a>(&'a mut self, stored: &mut &'i [u8]) -> Result<Option<&'a [u8]>, XorbError> {
        if stored.is_empty() {
            return Ok(None);
        }
        let index = self.next;
        if index == self.end {
            return Err(XorbError::Corrupt(index));
        }
        let found = self.stream.next(stored).map_err(|source| XorbError::Chunk { index, source })?;
        let Some(found) = found else { return Ok(None) };
        let one = index..index + 1;
        let stored_len = self.info.stored_range(one.clone())?.len();
        let same_hash = self.info.range(one)?.iter().all(|chunk| chunk.hash == chunk_hash(found.raw));
        if !same_hash || stored_len != found.header.serialized() {
            return Err(XorbError::Corrupt(index));
        }
        self.next += 1;
        Ok(Some(found.raw))
    }

    /// Takes a block of stored bytes and appends the chunks that are whole with it to `raw`.
    pub fn decode(&mut self, mut stored: &[u8], raw: &mut Vec<u8>) -> Result<(), XorbError> {
        while !stored.is_empty() {
            if let Some(chunk) = self.next(&mut stored)? {
                raw.extend_from_slice(chunk);
            }
        }
        Ok(())
    }

    /// Ends the range: an error if chunks of it did not come.
    pub fn finish(self) -> Result<(), XorbError> {
        if self.next == self.end { Ok(()) } else { Err(XorbError::Truncated(self.next)) }
    }
}

/// Decodes stored bytes that are all of a range of chunks.
#[cfg(test)]
pub(crate) fn decode(info: &Arc<XorbInfo>, chunks: Range<u32>, stored: &[u8]) -> Result<Vec<u8>, XorbError> {
    let mut decoder = RangeDecoder::new(Arc::clone(info), chunks)?;
    let mut raw = Vec::new();
    decoder.decode(stored, &mut raw)?;
    decoder.finish()?;
    Ok(raw)
}
