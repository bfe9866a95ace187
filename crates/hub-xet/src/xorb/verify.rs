//! Verifying an uploaded xorb while its bytes arrive.

use hub_types::XetHash;

use crate::chunk::ChunkStream;
use crate::hash::chunk_hash;
use crate::limits::{MAX_XORB_CHUNKS, MAX_XORB_INFO_BYTES, MAX_XORB_RAW_BYTES};
use crate::xorb::{ChunkInfo, XorbError, XorbInfo};

/// How a footer begins; old clients send one behind the last chunk.
const FOOTER_MARK: &[u8] = b"XETBLOB";

/// What to do with a footer behind the last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footer {
    /// It may be there; its content is not looked at, and its bytes are not to be stored.
    Ignored,
    /// It is an error: what was sent will be stored as it is.
    Refused,
}

/// Verifies a xorb piece by piece, with memory for one chunk and the list of chunks.
///
/// Nothing that was pushed is known to be good before [`finish`](Self::finish) says so.
#[derive(Debug)]
pub struct XorbVerifier {
    expected: XetHash,
    footer: Footer,
    stream: ChunkStream,
    chunks: Vec<ChunkInfo>,
    /// Bytes of the footer so far; a number as soon as one began.
    footer_len: Option<usize>,
    /// The first error: a verifier that went past it would not see what was wrong.
    failed: Option<XorbError>,
}

impl XorbVerifier {
    /// Starts to verify what should be the xorb `expected`.
    pub fn new(expected: XetHash, footer: Footer) -> Self {
        Self { expected, footer, stream: ChunkStream::default(), chunks: Vec::new(), footer_len: None, failed: None }
    }

    /// Takes the next bytes of the upload. Answers how many of them, from the front, belong to the body
    /// to store: all, until a footer begins. Once it fails it fails for good.
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize, XorbError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.push_unless_failed(bytes).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn push_unless_failed(&mut self, bytes: &[u8]) -> Result<usize, XorbError> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            // No chunk begins with this byte: it is the format version there, which is zero.
            let footer_begins = self.stream.is_between_chunks() && *first == FOOTER_MARK[0];
            if self.footer_len.is_some() || footer_begins {
                self.push_footer(rest)?;
                return Ok(bytes.len() - rest.len());
            }
            self.push_chunk(&mut rest)?;
        }
        Ok(bytes.len())
    }

    fn push_chunk(&mut self, rest: &mut &[u8]) -> Result<(), XorbError> {
        let index = self.chunks.len() as u32;
        if index == MAX_XORB_CHUNKS {
            return Err(XorbError::TooManyChunks);
        }
        let found = self.stream.next(rest).map_err(|source| XorbError::Chunk { index, source })?;
        let Some(found) = found else { return Ok(()) };
        let (stored_start, raw_start) = self.chunks.last().map_or((0, 0), |last| (last.stored_end, last.raw_end));
        let raw_end = raw_start + found.header.raw;
        if raw_end > MAX_XORB_RAW_BYTES {
            return Err(XorbError::TooLarge);
        }
        let stored_end = stored_start + found.header.serialized() as u32;
        self.chunks.push(ChunkInfo { hash: chunk_hash(found.raw), stored_end, raw_end });
        Ok(())
    }

    fn push_footer(&mut self, bytes: &[u8]) -> Result<(), XorbError> {
        let before = self.footer_len.unwrap_or(0);
        let marks = FOOTER_MARK.iter().skip(before).zip(bytes);
        if marks.into_iter().any(|(mark, byte)| mark != byte) {
            return Err(XorbError::BadFooter);
        }
        let len = before + bytes.len();
        if self.footer == Footer::Refused {
            return Err(XorbError::FooterRefused);
        }
        if len > MAX_XORB_INFO_BYTES as usize {
            return Err(XorbError::BadFooter);
        }
        self.footer_len = Some(len);
        Ok(())
    }

    /// Ends the upload: what came is the xorb it should be, and this is what is known about it.
    pub fn finish(self) -> Result<XorbInfo, XorbError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.stream.is_between_chunks() {
            return Err(XorbError::Truncated(self.chunks.len() as u32));
        }
        if self.footer_len.is_some_and(|len| len < FOOTER_MARK.len()) {
            return Err(XorbError::BadFooter);
        }
        let mut chunks = self.chunks;
        chunks.shrink_to_fit();
        let info = XorbInfo::new(chunks)?;
        if *info.hash() != self.expected {
            return Err(XorbError::WrongHash { expected: self.expected, computed: *info.hash() });
        }
        Ok(info)
    }
}
