//! One serialized chunk: its header, bounded decompression, and finding chunks in bytes as they come.

use xet_core_structures::xorb_object::{CompressionScheme, parse_chunk_header};

use crate::limits::{CHUNK_HEADER_BYTES, MAX_CHUNK_BYTES};
use crate::lz4::{self, FrameError};

/// Bytes of the header of a chunk.
pub(crate) const HEADER: usize = CHUNK_HEADER_BYTES as usize;

/// What is wrong with a chunk, to follow "chunk 3 of the xorb".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// The header has a version that is not known.
    #[error("has format version {0}, and only version 0 is known")]
    Version(u8),
    /// The header names a compression that is not allowed in a stored xorb.
    #[error("has compression scheme {0}, and only 0, 1 and 2 are known")]
    Scheme(u8),
    /// The header's lengths, in bytes, are not allowed.
    #[error("says that {stored} stored bytes give {raw} bytes: a chunk has 1 to 131072 bytes, and is stored in no more")]
    Lengths {
        /// Stored bytes behind the header.
        stored: u32,
        /// Uncompressed bytes.
        raw: u32,
    },
    /// The stored bytes do not decompress to what the header says.
    #[error("does not decompress: the LZ4 data {0}")]
    Compressed(String),
}

impl From<FrameError> for ChunkError {
    fn from(error: FrameError) -> Self {
        Self::Compressed(error.to_string())
    }
}

/// The header of a chunk with lengths that are allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    scheme: CompressionScheme,
    /// Bytes behind the header.
    pub(crate) stored: u32,
    /// Bytes after decompression.
    pub(crate) raw: u32,
}

impl Header {
    pub(crate) fn parse(bytes: [u8; HEADER]) -> Result<Self, ChunkError> {
        if bytes[0] != 0 {
            return Err(ChunkError::Version(bytes[0]));
        }
        let scheme = match CompressionScheme::try_from(bytes[4]) {
            Ok(CompressionScheme::Auto) | Err(_) => return Err(ChunkError::Scheme(bytes[4])),
            Ok(scheme) => scheme,
        };
        let stored = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], 0]);
        let raw = u32::from_le_bytes([bytes[5], bytes[6], bytes[7], 0]);
        let exact = scheme != CompressionScheme::None || stored == raw;
        let allowed = (1..=MAX_CHUNK_BYTES).contains(&raw) && (1..=raw).contains(&stored) && exact;
        if !allowed || parse_chunk_header(bytes).is_err() {
            return Err(ChunkError::Lengths { stored, raw });
        }
        Ok(Self { scheme, stored, raw })
    }

    /// Bytes of the chunk in a body, with its header.
    pub(crate) fn serialized(&self) -> usize {
        HEADER + self.stored as usize
    }
}

/// Decompresses chunks, in buffers that it uses again.
#[derive(Debug, Default)]
struct Decompressor {
    raw: Vec<u8>,
    planes: Vec<u8>,
}

impl Decompressor {
    /// The uncompressed bytes of a chunk, never more than its header says.
    fn decompress<'a>(&'a mut self, header: &Header, payload: &'a [u8]) -> Result<&'a [u8], ChunkError> {
        if header.scheme == CompressionScheme::None {
            return Ok(payload);
        }
        let len = header.raw as usize;
        let raw = room(&mut self.raw, len);
        if header.scheme == CompressionScheme::ByteGrouping4LZ4 {
            let planes = room(&mut self.planes, len);
            lz4::decompress(payload, planes)?;
            join_planes(planes, raw);
        } else {
            lz4::decompress(payload, raw)?;
        }
        Ok(raw)
    }
}

/// The first `len` bytes of a buffer that is allocated once, as large as any chunk needs.
fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len {
        buffer.resize(MAX_CHUNK_BYTES as usize, 0);
    }
    &mut buffer[..len]
}

/// Undoes the grouping of every fourth byte. The library's own function allocates for every chunk.
fn join_planes(planes: &[u8], raw: &mut [u8]) {
    let (quarter, extra) = (raw.len() / 4, raw.len() % 4);
    let (first, rest) = planes.split_at(quarter + usize::from(extra > 0));
    let (second, rest) = rest.split_at(quarter + usize::from(extra > 1));
    let (third, fourth) = rest.split_at(quarter + usize::from(extra > 2));
    let (whole, tail) = raw.as_chunks_mut::<4>();
    for ((((out, a), b), c), d) in whole.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
        *out = [*a, *b, *c, *d];
    }
    for (out, plane) in tail.iter_mut().zip([first, second, third]) {
        *out = plane[quarter];
    }
}

/// A chunk that was found and decompressed.
pub(crate) struct Found<'a> {
    pub(crate) header: Header,
    pub(crate) raw: &'a [u8],
}

/// Finds serialized chunks in bytes that come in pieces, holding at most one of them.
#[derive(Debug, Default)]
pub(crate) struct ChunkStream {
    decompressor: Decompressor,
    /// The beginning of a chunk of which the rest is still to come.
    partial: Vec<u8>,
    /// Whether `partial` was given out whole, and is to be forgotten.
    used: bool,
}

impl ChunkStream {
    /// Whether what came so far ends where a chunk ends.
    pub(crate) fn is_between_chunks(&self) -> bool {
        self.used || self.partial.is_empty()
    }

    /// Takes the next chunk from the front of `input`, or all of it when the chunk is not whole yet.
    pub(crate) fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Found<'a>>, ChunkError> {
        if self.used {
            self.partial.clear();
            self.used = false;
        }
        if self.partial.is_empty() {
            if let Some((header, payload)) = split_chunk(input)? {
                let raw = self.decompressor.decompress(&header, payload)?;
                return Ok(Some(Found { header, raw }));
            }
            self.partial.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        }
        self.fill(input, HEADER);
        let Some(header) = self.partial.first_chunk().copied() else { return Ok(None) };
        let header = Header::parse(header)?;
        self.fill(input, header.serialized());
        if self.partial.len() < header.serialized() {
            return Ok(None);
        }
        self.used = true;
        let raw = self.decompressor.decompress(&header, &self.partial[HEADER..])?;
        Ok(Some(Found { header, raw }))
    }

    /// Moves bytes to `partial` until it has `len`.
    fn fill(&mut self, input: &mut &[u8], len: usize) {
        let missing = len.saturating_sub(self.partial.len()).min(input.len());
        let (now, later) = input.split_at(missing);
        self.partial.extend_from_slice(now);
        *input = later;
    }
}

/// Splits a whole chunk from the front of `input`, if it is there; a header that is there is checked.
fn split_chunk<'a>(input: &mut &'a [u8]) -> Result<Option<(Header, &'a [u8])>, ChunkError> {
    let Some((header, rest)) = input.split_first_chunk::<HEADER>() else { return Ok(None) };
    let header = Header::parse(*header)?;
    let Some((payload, rest)) = rest.split_at_checked(header.stored as usize) else { return Ok(None) };
    *input = rest;
    Ok(Some((header, payload)))
}

#[cfg(test)]
mod tests {
    use xet_core_structures::xorb_object::byte_grouping::bg4::bg4_split;

    use super::*;

    #[test]
    fn planes_are_joined_as_the_library_splits_them() {
        for len in 0..300usize {
            let data: Vec<u8> = (0..len).map(|index| (index * 7) as u8).collect();
            let mut joined = vec![0; len];
            join_planes(&bg4_split(&data), &mut joined);
            assert_eq!(joined, data);
        }
    }

    #[test]
    fn headers_out_of_bounds_are_refused() {
        let header = |version, stored: u32, scheme, raw: u32| {
            let (stored, raw) = (stored.to_le_bytes(), raw.to_le_bytes());
            Header::parse([version, stored[0], stored[1], stored[2], scheme, raw[0], raw[1], raw[2]])
        };
        assert!(header(0, 131_072, 0, 131_072).is_ok());
        assert!(header(0, 1, 1, 131_072).is_ok());
        assert_eq!(header(1, 1, 0, 1).unwrap_err(), ChunkError::Version(1));
        for scheme in [3, 4, 99, 255] {
            assert_eq!(header(0, 1, scheme, 1).unwrap_err(), ChunkError::Scheme(scheme));
        }
        for (stored, scheme, raw) in [(0, 0, 0), (1, 1, 0), (0, 1, 1), (2, 0, 1), (1, 0, 2), (2, 1, 1)] {
            assert_eq!(header(0, stored, scheme, raw).unwrap_err(), ChunkError::Lengths { stored, raw });
        }
        assert!(header(0, 131_073, 0, 131_073).is_err());
        assert!(header(0, 1, 2, 0xff_ffff).is_err());
    }
}
