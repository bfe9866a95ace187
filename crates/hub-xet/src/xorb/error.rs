//! What is wrong with a xorb, in sentences for the person who sent it.

use hub_types::XetHash;

use crate::chunk::ChunkError;
use crate::limits::{MAX_XORB_CHUNKS, MAX_XORB_RAW_BYTES};

/// A xorb, its metadata or a range of it that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XorbError {
    /// The chunk at `index`, from zero, breaks the format.
    #[error("chunk {index} of the xorb {source}")]
    Chunk {
        /// Which chunk of the xorb.
        index: u32,
        /// What is wrong with it.
        source: ChunkError,
    },
    /// There is no chunk.
    #[error("the xorb is empty: it must have at least one chunk")]
    Empty,
    /// There are more chunks than a xorb may have.
    #[error("the xorb has more than {MAX_XORB_CHUNKS} chunks")]
    TooManyChunks,
    /// The chunks together are longer than a xorb may be.
    #[error("the xorb holds more than {MAX_XORB_RAW_BYTES} bytes uncompressed")]
    TooLarge,
    /// The bytes end within a chunk.
    #[error("the xorb ends in the middle of chunk {0}")]
    Truncated(u32),
    /// The chunks are those of another xorb.
    #[error("the chunks are those of xorb {computed}, not of {expected}")]
    WrongHash {
        /// The hash that was to be.
        expected: XetHash,
        /// The hash of what came.
        computed: XetHash,
    },
    /// A footer came where only chunks may.
    #[error("the xorb has a footer behind its last chunk: it must be sent without")]
    FooterRefused,
    /// What follows the chunks is no footer, or one too long.
    #[error("the bytes behind the last chunk of the xorb are not a footer")]
    BadFooter,
    /// Stored chunks differ from the metadata of their xorb.
    #[error("chunk {0} of the stored xorb is not what its metadata says")]
    Corrupt(u32),
    /// A range of chunks that the xorb does not have.
    #[error("the xorb has {count} chunks: there is no range {start} to {end}")]
    NoSuchRange {
        /// First chunk asked for.
        start: u32,
        /// Behind the last chunk asked for.
        end: u32,
        /// Chunks of the xorb.
        count: u32,
    },
    /// Stored metadata that cannot be read.
    #[error("the metadata of the xorb is damaged: {0}")]
    Metadata(&'static str),
}
