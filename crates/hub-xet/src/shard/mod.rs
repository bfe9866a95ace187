//! Shards: the metadata that commits an upload, and the answers that let clients deduplicate.

mod dedup;
mod error;
mod parse;
#[cfg(test)]
mod tests;
mod verify;

pub use dedup::dedup_shard;
pub use error::ShardError;
pub use parse::{FileEntry, Shard, XorbSection, parse_shard};
pub use verify::FileCheck;
