//! What is known about a xorb: its chunks, where they lie, and how long they are.

use std::io::Cursor;
use std::ops::Range;

use hub_types::XetHash;
use xet_core_structures::xorb_object::{XorbObject, XorbObjectInfoV1};

use crate::hash::{MerkleTree, from_library, range_hash, to_library};
use crate::limits::{
    CHUNK_HEADER_BYTES, INFO_CHUNK_BYTES, INFO_FIXED_BYTES, MAX_CHUNK_BYTES, MAX_XORB_CHUNKS, MAX_XORB_RAW_BYTES,
};
use crate::xorb::XorbError;

/// A chunk of a xorb: where it ends and what its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkInfo {
    pub(crate) hash: XetHash,
    pub(crate) stored_end: u32,
    pub(crate) raw_end: u32,
}

impl ChunkInfo {
    /// The hash of the uncompressed bytes.
    pub fn hash(&self) -> &XetHash {
        &self.hash
    }

    /// Where the serialized chunk ends in the xorb's body, in bytes.
    pub fn stored_end(&self) -> u32 {
        self.stored_end
    }

    /// Where the chunk ends in the uncompressed xorb, in bytes.
    pub fn raw_end(&self) -> u32 {
        self.raw_end
    }
}

/// A xorb's hash and chunks. It exists for xorbs that satisfy every rule only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XorbInfo {
    hash: XetHash,
    chunks: Vec<ChunkInfo>,
}

impl XorbInfo {
    /// Describes the xorb of these chunks, if the formats allow it.
    pub(crate) fn new(chunks: Vec<ChunkInfo>) -> Result<Self, XorbError> {
        if chunks.len() > MAX_XORB_CHUNKS as usize {
            return Err(XorbError::TooManyChunks);
        }
        let mut tree = MerkleTree::default();
        let (mut stored_end, mut raw_end) = (0, 0);
        for chunk in &chunks {
            let raw = chunk.raw_end.checked_sub(raw_end).ok_or(XorbError::Metadata("its offsets go back"))?;
            let stored = chunk.stored_end.checked_sub(stored_end).ok_or(XorbError::Metadata("its offsets go back"))?;
            let raw_allowed = (1..=MAX_CHUNK_BYTES).contains(&raw);
            if !raw_allowed || stored <= CHUNK_HEADER_BYTES || stored > raw + CHUNK_HEADER_BYTES {
                return Err(XorbError::Metadata("a chunk has a length that is not allowed"));
            }
            tree.push(chunk.hash, u64::from(raw));
            (stored_end, raw_end) = (chunk.stored_end, chunk.raw_end);
        }
        if raw_end > MAX_XORB_RAW_BYTES {
            return Err(XorbError::TooLarge);
        }
        let hash = tree.root().ok_or(XorbError::Empty)?;
        Ok(Self { hash, chunks })
    }

    /// The hash that names the xorb.
    pub fn hash(&self) -> &XetHash {
        &self.hash
    }

    /// The chunks in order; there is at least one.
    pub fn chunks(&self) -> &[ChunkInfo] {
        &self.chunks
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> u32 {
        self.chunks.len() as u32
    }

    /// Bytes of the whole xorb, uncompressed.
    pub fn total_raw_len(&self) -> u32 {
        self.raw_offset(self.chunk_count()).unwrap_or(0)
    }

    /// Bytes of the whole body as stored.
    pub fn total_stored_len(&self) -> u32 {
        self.chunks.last().map_or(0, |chunk| chunk.stored_end)
    }

    /// Uncompressed bytes in front of chunk `index`; of all chunks when it is their number.
    pub(crate) fn raw_offset(&self, index: u32) -> Option<u32> {
        match index.checked_sub(1) {
            None => Some(0),
            Some(before) => self.chunks.get(before as usize).map(|chunk| chunk.raw_end),
        }
    }

    /// The chunks of a range, which must not be empty.
    pub fn range(&self, chunks: Range<u32>) -> Result<&[ChunkInfo], XorbError> {
        let Range { start, end } = chunks;
        let found = self.chunks.get(start as usize..end as usize).filter(|found| !found.is_empty());
        found.ok_or(XorbError::NoSuchRange { start, end, count: self.chunk_count() })
    }

    /// Uncompressed bytes of the chunks of a range.
    pub fn raw_len(&self, chunks: Range<u32>) -> Result<u32, XorbError> {
        let start = chunks.start;
        let end = self.range(chunks)?.last().map_or(0, |chunk| chunk.raw_end);
        Ok(end - self.raw_offset(start).unwrap_or(0))
    }

    /// Uncompressed bytes of each chunk in order.
    pub fn chunk_lens(&self) -> impl ExactSizeIterator<Item = u32> {
        let mut before = 0;
        self.chunks.iter().map(move |chunk| chunk.raw_end - std::mem::replace(&mut before, chunk.raw_end))
    }

    /// The bytes of the body in which the chunks of a range lie, headers included.
    pub fn stored_range(&self, chunks: Range<u32>) -> Result<Range<u32>, XorbError> {
        let start = chunks.start.checked_sub(1).and_then(|before| self.chunks.get(before as usize));
        let end = self.range(chunks)?.last().map_or(0, |chunk| chunk.stored_end);
        Ok(start.map_or(0, |chunk| chunk.stored_end)..end)
    }

    /// The proof that somebody knows all chunk hashes of a range.
    pub fn range_hash(&self, chunks: Range<u32>) -> Result<XetHash, XorbError> {
        Ok(range_hash(self.range(chunks)?.iter().map(ChunkInfo::hash)))
    }

    /// Bytes that this value takes in memory.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.chunks.capacity() * size_of::<ChunkInfo>()
    }

    /// The metadata to store beside the body: the footer that the formats know, version 1.
    pub fn to_bytes(&self) -> Result<Vec<u8>, XorbError> {
        let mut footer = XorbObjectInfoV1::default();
        footer.xorb_hash = to_library(&self.hash);
        footer.num_chunks = self.chunk_count();
        footer.chunk_hashes = self.chunks.iter().map(|chunk| to_library(&chunk.hash)).collect();
        footer.chunk_boundary_offsets = self.chunks.iter().map(|chunk| chunk.stored_end).collect();
        footer.unpacked_chunk_offsets = self.chunks.iter().map(|chunk| chunk.raw_end).collect();
        footer.fill_in_boundary_offsets();
        let mut bytes = Vec::with_capacity((INFO_FIXED_BYTES + INFO_CHUNK_BYTES * self.chunk_count()) as usize);
        XorbObject::serialize_given_info(&mut bytes, footer).map_err(|_| XorbError::Metadata("it cannot be written"))?;
        Ok(bytes)
    }

    /// Reads stored metadata, checking all of it: lengths, order, and that the chunks make the hash.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, XorbError> {
        let chunk_bytes = bytes.len().checked_sub(INFO_FIXED_BYTES as usize);
        let count = chunk_bytes.filter(|len| len.is_multiple_of(INFO_CHUNK_BYTES as usize));
        let count = count.map(|len| len / INFO_CHUNK_BYTES as usize);
        if count.is_none_or(|count| count > MAX_XORB_CHUNKS as usize) {
            return Err(XorbError::Metadata("it has a length that no metadata has"));
        }
        let footer = XorbObject::deserialize(&mut Cursor::new(bytes))
            .map_err(|_| XorbError::Metadata("it is not in the format of version 1"))?
            .info;
        let lens = [footer.chunk_hashes.len(), footer.chunk_boundary_offsets.len(), footer.unpacked_chunk_offsets.len()];
        // The library reads version 0 too, which has no lengths.
        if count.is_some_and(|count| lens != [count; 3]) {
            return Err(XorbError::Metadata("its length and the number of chunks disagree"));
        }
        let ends = footer.chunk_boundary_offsets.iter().zip(&footer.unpacked_chunk_offsets);
        let chunks = footer.chunk_hashes.iter().zip(ends).map(|(hash, (stored_end, raw_end))| ChunkInfo {
            hash: from_library(*hash),
            stored_end: *stored_end,
            raw_end: *raw_end,
        });
        let info = Self::new(chunks.collect())?;
        let expected = from_library(footer.xorb_hash);
        if info.hash == expected { Ok(info) } else { Err(XorbError::WrongHash { expected, computed: info.hash }) }
    }
}
