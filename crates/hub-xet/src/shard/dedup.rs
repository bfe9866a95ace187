//! Shards that the hub answers with, so that a client finds chunks that are stored already.

use std::sync::Arc;

use xet_core_structures::CoreError;
use xet_core_structures::merklehash::MerkleHash;
use xet_core_structures::metadata_shard::file_structs::FileDataSequenceHeader;
use xet_core_structures::metadata_shard::xorb_structs::{XorbChunkSequenceEntry, XorbChunkSequenceHeader};
use xet_core_structures::metadata_shard::{MDBShardFileFooter, MDBShardFileHeader};

use crate::hash::{keyed_chunk_hash, to_library};
use crate::shard::ShardError;
use crate::shard::parse::{FOOTER, RECORD};
use crate::xorb::XorbInfo;

/// Makes a whole shard that lists the chunks of these xorbs, each hash keyed with `key`.
///
/// Keyed hashes match only chunks that the receiver has already. Without the key they would be the
/// proof by which files are verified, and this would open the xorbs to everybody: a key of zeros, which
/// means "not keyed", is refused. `created` and `expires` are seconds since 1970; clients forget the
/// shard when it expires, and do not use it at all if that is past. There are no lookup tables: clients
/// build their own.
pub fn dedup_shard(xorbs: &[Arc<XorbInfo>], key: &[u8; 32], created: u64, expires: u64) -> Result<Vec<u8>, ShardError> {
    if *key == [0; 32] {
        return Err(ShardError::Footer);
    }
    let records: usize = xorbs.iter().map(|xorb| 1 + xorb.chunks().len()).sum();
    let mut shard = Vec::with_capacity(RECORD * (3 + records) + FOOTER);
    write(xorbs, key, (created, expires), &mut shard).map_err(|_| ShardError::Footer)?;
    Ok(shard)
}

fn write(xorbs: &[Arc<XorbInfo>], key: &[u8; 32], (created, expires): (u64, u64), shard: &mut Vec<u8>) -> Result<(), CoreError> {
    let mut footer = MDBShardFileFooter {
        chunk_hash_hmac_key: MerkleHash::from(key),
        shard_creation_timestamp: created,
        shard_key_expiry: expires,
        ..MDBShardFileFooter::default()
    };
    MDBShardFileHeader::default().serialize(shard)?;
    footer.file_info_offset = shard.len() as u64;
    FileDataSequenceHeader::bookend().serialize(shard)?;
    footer.xorb_info_offset = shard.len() as u64;
    for xorb in xorbs {
        write_xorb(xorb, key, shard)?;
        footer.stored_bytes_on_disk += u64::from(xorb.total_stored_len());
        footer.stored_bytes += u64::from(xorb.total_raw_len());
    }
    XorbChunkSequenceHeader::bookend().serialize(shard)?;
    let end = shard.len() as u64;
    footer.file_lookup_offset = end;
    footer.xorb_lookup_offset = end;
    footer.chunk_lookup_offset = end;
    footer.footer_offset = end;
    footer.serialize(shard)?;
    Ok(())
}

fn write_xorb(xorb: &XorbInfo, key: &[u8; 32], shard: &mut Vec<u8>) -> Result<(), CoreError> {
    let header = XorbChunkSequenceHeader {
        xorb_hash: to_library(xorb.hash()),
        num_entries: xorb.chunk_count(),
        num_bytes_in_xorb: xorb.total_raw_len(),
        num_bytes_on_disk: xorb.total_stored_len(),
        ..XorbChunkSequenceHeader::default()
    };
    header.serialize(shard)?;
    let mut start = 0;
    for (chunk, len) in xorb.chunks().iter().zip(xorb.chunk_lens()) {
        let entry = XorbChunkSequenceEntry {
            chunk_hash: keyed_chunk_hash(chunk.hash(), key),
            chunk_byte_range_start: start,
            unpacked_segment_bytes: len,
            ..XorbChunkSequenceEntry::default()
        };
        entry.serialize(shard)?;
        start = chunk.raw_end();
    }
    Ok(())
}
