//! The formats of Xet, read and written without any I/O: the caller brings the bytes.
//!
//! - [`XorbVerifier`] verifies an uploaded xorb as its bytes arrive and answers a [`XorbInfo`], which is
//!   what the hub keeps to know about it. [`RangeDecoder`] gives the bytes back, verified again.
//! - [`parse_shard`] reads what commits an upload; [`FileEntry::verify`] checks a file of it against the
//!   hub's own [`XorbInfo`]s, and [`FileCheck`] does so with some of these at a time. [`dedup_shard`] writes what clients
//!   find stored chunks by.
//! - [`plan()`] says which stored bytes make a range of a file; [`Planner`] does so with one xorb at a time.
//! - [`Chunker`], [`XorbBuilder`] and [`FileHasher`] make xorbs and files as clients do.
//!
//! Everything that is read here was sent by strangers. Memory is bounded by what arrived, time by
//! limits that are constants of this crate, and what is wrong is an error with a sentence about it.
//!
//! Hashes, record layouts and compression are those of `xet-core-structures`, whose types appear in no
//! signature: it says of itself that it is internal to the client.

mod chunk;
mod chunker;
#[cfg(test)]
mod client_tests;
mod hash;
mod limits;
mod lz4;
mod plan;
mod shard;
mod term;
mod xorb;

pub use chunk::ChunkError;
pub use chunker::Chunker;
pub use hash::{FileHasher, chunk_hash, is_dedup_candidate, range_hash};
pub use limits::{
    MAX_CHUNK_BYTES, MAX_SHARD_BYTES, MAX_SHARD_FILE_CHUNKS, MAX_XORB_BODY_BYTES, MAX_XORB_CHUNKS, MAX_XORB_INFO_BYTES,
    MAX_XORB_RAW_BYTES,
};
pub use plan::{Plan, PlanError, PlanRange, PlanXorb, Planner, plan};
pub use shard::{FileCheck, FileEntry, Shard, ShardError, XorbSection, dedup_shard, parse_shard};
pub use term::{TERM_BYTES, Term, TermsError};
#[cfg(test)]
pub(crate) use xorb::decode;
pub use xorb::{ChunkInfo, Footer, RangeDecoder, XorbBuilder, XorbError, XorbInfo, XorbVerifier};
