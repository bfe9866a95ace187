//! What the formats allow, and what this hub allows of what the formats leave open.

/// Most bytes that a chunk may hold uncompressed.
pub const MAX_CHUNK_BYTES: u32 = 128 * 1024;

/// Most chunks in a xorb.
pub const MAX_XORB_CHUNKS: u32 = 8192;

/// Most bytes that a xorb may hold uncompressed.
pub const MAX_XORB_RAW_BYTES: u32 = 64 * 1024 * 1024;

/// Most bytes of a xorb's body: compression never grows a chunk, and each chunk has a header.
pub const MAX_XORB_BODY_BYTES: u32 = MAX_XORB_RAW_BYTES + CHUNK_HEADER_BYTES * MAX_XORB_CHUNKS;

/// Most bytes of the metadata of a xorb, and of a footer that old clients send behind a body.
pub const MAX_XORB_INFO_BYTES: u32 = INFO_FIXED_BYTES + INFO_CHUNK_BYTES * MAX_XORB_CHUNKS;

/// Most bytes of an uploaded shard. Clients aim at 64 MiB.
pub const MAX_SHARD_BYTES: usize = 80 * 1024 * 1024;

/// Most chunks that all files of one shard may have together, repeated ones counted again.
///
/// A term of 48 bytes can name 8192 chunks, and every one of them is hashed to verify the file: this
/// bounds the work that a shard may cause. It is about 8 TiB of ordinary files.
pub const MAX_SHARD_FILE_CHUNKS: u64 = 1 << 27;

/// Bytes in front of each serialized chunk.
pub(crate) const CHUNK_HEADER_BYTES: u32 = 8;

/// Bytes of a xorb's metadata besides its chunks.
pub(crate) const INFO_FIXED_BYTES: u32 = 96;

/// Bytes of a chunk in a xorb's metadata: its hash and two offsets.
pub(crate) const INFO_CHUNK_BYTES: u32 = 40;
