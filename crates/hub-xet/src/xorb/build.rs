//! Building xorbs from chunks.

use bytes::Bytes;
use hub_types::XetHash;
use xet_core_structures::xorb_object::byte_grouping::bg4::bg4_split;
use xet_core_structures::xorb_object::{CompressionScheme, XorbChunkHeader, lz4_compress_from_slice, write_chunk_header};

use crate::chunk::ChunkError;
use crate::hash::chunk_hash;
use crate::limits::{CHUNK_HEADER_BYTES, MAX_CHUNK_BYTES, MAX_XORB_BODY_BYTES, MAX_XORB_CHUNKS, MAX_XORB_RAW_BYTES};
use crate::xorb::{ChunkInfo, XorbError, XorbInfo};

/// Collects chunks into a xorb, compressing each as clients do.
#[derive(Debug, Default)]
pub struct XorbBuilder {
    body: Vec<u8>,
    chunks: Vec<ChunkInfo>,
}

impl XorbBuilder {
    /// Starts a xorb.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a xorb in the memory of one that was stored, unless somebody else still holds that.
    pub fn in_place_of(stored: Bytes) -> Self {
        let mut body = if stored.is_unique() { Vec::from(stored) } else { Vec::new() };
        body.clear();
        Self { body, chunks: Vec::new() }
    }

    /// Number of chunks so far.
    pub fn chunk_count(&self) -> u32 {
        self.chunks.len() as u32
    }

    /// Uncompressed bytes so far.
    pub fn raw_len(&self) -> u32 {
        self.chunks.last().map_or(0, |chunk| chunk.raw_end)
    }

    /// Whether a chunk of so many bytes still finds room; if not, another xorb has to begin.
    pub fn has_room_for(&self, chunk_len: usize) -> bool {
        let room = (MAX_XORB_RAW_BYTES - self.raw_len()) as usize;
        self.chunk_count() < MAX_XORB_CHUNKS && chunk_len <= room
    }

    /// Adds a chunk of 1 to 131072 bytes and answers its hash. A chunk for which there is no room is an
    /// error, and the xorb stays as it was.
    pub fn add(&mut self, raw: &[u8]) -> Result<XetHash, XorbError> {
        let index = self.chunk_count();
        if raw.is_empty() || raw.len() > MAX_CHUNK_BYTES as usize {
            let len = u32::try_from(raw.len()).unwrap_or(u32::MAX);
            return Err(XorbError::Chunk { index, source: ChunkError::Lengths { stored: len, raw: len } });
        }
        if !self.has_room_for(raw.len()) {
            return Err(if index == MAX_XORB_CHUNKS { XorbError::TooManyChunks } else { XorbError::TooLarge });
        }
        let hash = chunk_hash(raw);
        if self.body.capacity() == 0 {
            // Grown by doubling, a full body would for a moment take three times its size. What is not written to
            // takes no memory.
            self.body.reserve_exact(MAX_XORB_BODY_BYTES as usize);
        }
        serialize(raw, &mut self.body)
            .map_err(|_| XorbError::Chunk { index, source: ChunkError::Compressed("cannot be made".to_owned()) })?;
        let raw_end = self.raw_len() + raw.len() as u32;
        self.chunks.push(ChunkInfo { hash, stored_end: self.body.len() as u32, raw_end });
        Ok(hash)
    }

    /// Ends the xorb: its body as it is to be stored, and what is known about it.
    pub fn finish(self) -> Result<(Bytes, XorbInfo), XorbError> {
        Ok((Bytes::from(self.body), XorbInfo::new(self.chunks)?))
    }
}

/// Appends a chunk as the library's `serialize_chunk` does. That function keeps its timings in mutable
/// statics without a lock, so the parts it is made of are called here instead.
fn serialize(raw: &[u8], body: &mut Vec<u8>) -> Result<(), xet_core_structures::CoreError> {
    let scheme = CompressionScheme::choose_from_data(raw);
    let compressed = match scheme {
        CompressionScheme::ByteGrouping4LZ4 => lz4_compress_from_slice(&bg4_split(raw))?,
        _ => lz4_compress_from_slice(raw)?,
    };
    let (scheme, payload) =
        if compressed.len() < raw.len() { (scheme, compressed.as_slice()) } else { (CompressionScheme::None, raw) };
    body.reserve(CHUNK_HEADER_BYTES as usize + payload.len());
    write_chunk_header(body, &XorbChunkHeader::new(scheme, payload.len() as u32, raw.len() as u32))?;
    body.extend_from_slice(payload);
    Ok(())
}

#[cfg(test)]
mod tests {
    use xet_core_structures::xorb_object::serialize_chunk;

    use super::*;

    #[test]
    fn chunks_are_serialized_as_the_library_does() {
        let floats: Vec<u8> = (0..20_000).flat_map(|index| ((index as f32 * 0.7).sin() * 0.02).to_le_bytes()).collect();
        let text = b"a sentence that is said again and again. ".repeat(500);
        for data in [&floats[..], &text[..], &text[..1], &blake3::hash(b"random").as_bytes()[..]] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            serialize(data, &mut ours).unwrap();
            serialize_chunk(data, &mut theirs, CompressionScheme::Auto).unwrap();
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_full_xorb_refuses_more() {
        let mut builder = XorbBuilder::new();
        for index in 0..MAX_XORB_CHUNKS {
            assert!(builder.has_room_for(2));
            builder.add(&index.to_le_bytes()).unwrap();
        }
        assert!(!builder.has_room_for(1));
        assert_eq!(builder.add(b"x"), Err(XorbError::TooManyChunks));
        assert_eq!(builder.finish().unwrap().1.chunk_count(), MAX_XORB_CHUNKS);

        let mut builder = XorbBuilder::new();
        let chunk = vec![0; MAX_CHUNK_BYTES as usize];
        for _ in 0..511 {
            builder.add(&chunk).unwrap();
        }
        builder.add(&chunk[1..]).unwrap();
        assert!(builder.has_room_for(1) && !builder.has_room_for(2));
        assert_eq!(builder.add(b"xy"), Err(XorbError::TooLarge));
        assert!(builder.add(&[]).is_err());
        assert!(builder.add(&[chunk.as_slice(), b"x"].concat()).is_err());
        builder.add(b"x").unwrap();
        assert_eq!(builder.finish().unwrap().1.total_raw_len(), MAX_XORB_RAW_BYTES);
        assert_eq!(XorbBuilder::new().finish().unwrap_err(), XorbError::Empty);
    }
}
