//! What is wrong with a shard, in sentences for the person who sent it.

use hub_types::XetHash;

use crate::limits::{MAX_SHARD_BYTES, MAX_SHARD_FILE_CHUNKS};

/// An uploaded shard that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The shard is longer than it may be.
    #[error("the shard has {0} bytes, and at most {MAX_SHARD_BYTES} are accepted")]
    TooLarge(usize),
    /// The files have more chunks together than may be verified at once.
    #[error("the files of the shard have more than {MAX_SHARD_FILE_CHUNKS} chunks together")]
    TooManyChunks,
    /// The shard does not begin as shards do, or is of another version.
    #[error("the shard does not begin with the header of a shard of version 2")]
    Header,
    /// The shard ends within a record, or a count is larger than what follows.
    #[error("the shard ends before all records that it announces")]
    Truncated,
    /// There is something behind the last section that is no footer.
    #[error("the shard has bytes behind its last section that do not belong there")]
    Trailing,
    /// The footer contradicts the shard, or says that hashes are keyed.
    #[error("the footer of the shard does not fit the shard")]
    Footer,
    /// A file without any term.
    #[error("file {0} of the shard has no segments")]
    EmptyFile(XetHash),
    /// A file, or one of its terms, has flags that are not known.
    #[error("file {0} of the shard has flags that are not known")]
    UnknownFlags(XetHash),
    /// A file comes without the proofs that its sender has the data.
    #[error("file {0} of the shard comes without verification hashes")]
    NoVerification(XetHash),
    /// The same file twice.
    #[error("file {0} is in the shard twice")]
    DuplicateFile(XetHash),
    /// The same xorb twice.
    #[error("xorb {0} is in the shard twice")]
    DuplicateXorb(XetHash),
    /// A xorb section with a number of chunks that no xorb has.
    #[error("xorb {xorb} of the shard has {count} chunks, and a xorb has 1 to 8192")]
    ChunkCount {
        /// The xorb.
        xorb: XetHash,
        /// What the shard says.
        count: u32,
    },
    /// A term names chunks that no xorb, or not this xorb, has.
    #[error("segment {index} of file {file} names chunks {start} to {end} of xorb {xorb}, which it does not have")]
    Range {
        /// The file.
        file: XetHash,
        /// Which term of the file, from zero.
        index: usize,
        /// The xorb.
        xorb: XetHash,
        /// First chunk.
        start: u32,
        /// Behind the last chunk.
        end: u32,
    },
    /// A term names a xorb that is not stored.
    #[error("file {file} needs xorb {xorb}, which was not uploaded")]
    UnknownXorb {
        /// The file.
        file: XetHash,
        /// The xorb.
        xorb: XetHash,
    },
    /// A term is not as long as its chunks.
    #[error("segment {index} of file {file} says {claimed} bytes, but its chunks have {actual}")]
    Length {
        /// The file.
        file: XetHash,
        /// Which term of the file, from zero.
        index: usize,
        /// Bytes in the shard.
        claimed: u32,
        /// Bytes of the stored chunks, uncompressed.
        actual: u32,
    },
    /// The proof of a term does not hold.
    #[error("the verification hash of segment {index} of file {file} is not that of its chunks")]
    Proof {
        /// The file.
        file: XetHash,
        /// Which term of the file, from zero.
        index: usize,
    },
    /// The chunks are those of another file.
    #[error("the chunks are those of file {computed}, not of {file}")]
    WrongHash {
        /// The hash in the shard.
        file: XetHash,
        /// The hash of the chunks.
        computed: XetHash,
    },
}
