//! Reading uploaded shards.

use std::collections::HashSet;

use hub_types::{Sha256, XetHash};
use xet_core_structures::metadata_shard::file_structs::{
    FileDataSequenceEntry, FileDataSequenceHeader, FileMetadataExt, FileVerificationEntry, MDB_FILE_FLAG_WITH_METADATA_EXT,
    MDB_FILE_FLAG_WITH_VERIFICATION,
};
use xet_core_structures::metadata_shard::xorb_structs::{
    MDB_CHUNK_WITH_GLOBAL_DEDUP_FLAG, XorbChunkSequenceEntry, XorbChunkSequenceHeader,
};
use xet_core_structures::metadata_shard::{MDBShardFileFooter, MDBShardFileHeader};

use crate::hash::{from_library, to_library};
use crate::limits::{MAX_SHARD_BYTES, MAX_SHARD_FILE_CHUNKS, MAX_XORB_CHUNKS};
use crate::shard::ShardError;
use crate::term::Term;

/// Bytes of every record of a shard, and of its header.
pub(super) const RECORD: usize = 48;

/// Bytes of the footer.
pub(super) const FOOTER: usize = 200;

const VERSION: u64 = 2;

/// An uploaded shard: what a client says about files and new xorbs. Nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The files, each once.
    pub files: Vec<FileEntry>,
    /// The xorbs, each once.
    pub xorbs: Vec<XorbSection>,
}

/// A file of a shard: what it is made of, and the proofs that its sender has that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The hash of the file.
    pub hash: XetHash,
    /// Its parts in order; there is at least one.
    pub terms: Vec<Term>,
    /// For each term the hash over its chunks' hashes.
    pub proofs: Vec<XetHash>,
    /// What the client says the SHA-256 of the file is. Nobody has checked it.
    pub sha256: Option<Sha256>,
}

impl FileEntry {
    /// Bytes of the file.
    pub fn raw_len(&self) -> u64 {
        self.terms.iter().map(|term| u64::from(term.raw_len)).sum()
    }
}

/// A xorb of a shard. Its chunk list is not kept: what the hub itself knows of the xorb is the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XorbSection {
    /// The hash of the xorb.
    pub hash: XetHash,
    /// How many chunks the client says it has.
    pub chunk_count: u32,
    /// The chunks, by place in the xorb, that the client wants others to find.
    pub flagged: Vec<u32>,
}

/// Reads an uploaded shard, with a footer or without.
///
/// Counts are compared with what is there before anything is allocated for them, so that memory is
/// bounded by the length of `bytes`.
pub fn parse_shard(bytes: &[u8]) -> Result<Shard, ShardError> {
    if bytes.len() > MAX_SHARD_BYTES {
        return Err(ShardError::TooLarge(bytes.len()));
    }
    let mut rest = bytes;
    let header = MDBShardFileHeader::deserialize(&mut rest).map_err(|_| ShardError::Header)?;
    if header.version != VERSION {
        return Err(ShardError::Header);
    }
    let files = parse_files(&mut rest)?;
    let xorbs_at = bytes.len() - rest.len();
    let xorbs = parse_xorbs(&mut rest)?;
    match header.footer_size {
        0 if rest.is_empty() => {}
        0 => return Err(ShardError::Trailing),
        size if size == FOOTER as u64 => check_footer(bytes, xorbs_at, bytes.len() - rest.len())?,
        _ => return Err(ShardError::Footer),
    }
    Ok(Shard { files, xorbs })
}

/// Reads one record with a function of the library.
fn record<'a, T, E>(rest: &mut &'a [u8], read: impl FnOnce(&mut &'a [u8]) -> Result<T, E>) -> Result<T, ShardError> {
    let mut bytes = rest.split_off(..RECORD).ok_or(ShardError::Truncated)?;
    read(&mut bytes).map_err(|_| ShardError::Truncated)
}

/// Whether so many records can still follow.
fn check_count(rest: &[u8], records: u64) -> Result<(), ShardError> {
    if records <= (rest.len() / RECORD) as u64 { Ok(()) } else { Err(ShardError::Truncated) }
}

fn parse_files(rest: &mut &[u8]) -> Result<Vec<FileEntry>, ShardError> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut chunks = 0u64;
    loop {
        let header = record(rest, FileDataSequenceHeader::deserialize)?;
        if header.is_bookend() {
            return Ok(files);
        }
        if is_empty_file(&header) {
            skip_empty_file(&header, rest)?;
            continue;
        }
        let file = parse_file(&header, rest, &mut chunks)?;
        if !seen.insert(file.hash) {
            return Err(ShardError::DuplicateFile(file.hash));
        }
        files.push(file);
    }
}

/// Whether it is a file without bytes, as clients send it into buckets: without a term, its hash all zeros. There is
/// nothing to keep of it.
fn is_empty_file(header: &FileDataSequenceHeader) -> bool {
    header.num_entries == 0 && from_library(header.file_hash) == XetHash::from_bytes([0; 32])
}

fn skip_empty_file(header: &FileDataSequenceHeader, rest: &mut &[u8]) -> Result<(), ShardError> {
    if header.contains_metadata_ext() {
        record(rest, FileMetadataExt::deserialize)?;
    }
    Ok(())
}

/// Reads a file behind its header; `chunks` counts those of all files.
fn parse_file(header: &FileDataSequenceHeader, rest: &mut &[u8], chunks: &mut u64) -> Result<FileEntry, ShardError> {
    let hash = from_library(header.file_hash);
    if header.file_flags & !(MDB_FILE_FLAG_WITH_VERIFICATION | MDB_FILE_FLAG_WITH_METADATA_EXT) != 0 {
        return Err(ShardError::UnknownFlags(hash));
    }
    if !header.contains_verification() {
        return Err(ShardError::NoVerification(hash));
    }
    if header.num_entries == 0 {
        return Err(ShardError::EmptyFile(hash));
    }
    let count = u64::from(header.num_entries);
    check_count(rest, 2 * count + u64::from(header.contains_metadata_ext()))?;
    let mut terms = Vec::with_capacity(header.num_entries as usize);
    for index in 0..header.num_entries as usize {
        let entry = record(rest, FileDataSequenceEntry::deserialize)?;
        let term = parse_term(&hash, index, &entry)?;
        *chunks += u64::from(term.end - term.start);
        if *chunks > MAX_SHARD_FILE_CHUNKS {
            return Err(ShardError::TooManyChunks);
        }
        terms.push(term);
    }
    let mut proofs = Vec::with_capacity(terms.len());
    for _ in 0..header.num_entries {
        proofs.push(from_library(record(rest, FileVerificationEntry::deserialize)?.range_hash));
    }
    let mut sha256 = None;
    if header.contains_metadata_ext() {
        let extension = record(rest, FileMetadataExt::deserialize)?;
        sha256 = Some(sha256_from_permuted(&from_library(extension.sha256)));
    }
    Ok(FileEntry { hash, terms, proofs, sha256 })
}

fn parse_term(file: &XetHash, index: usize, entry: &FileDataSequenceEntry) -> Result<Term, ShardError> {
    if entry.xorb_flags != 0 {
        return Err(ShardError::UnknownFlags(*file));
    }
    let term = Term {
        xorb: from_library(entry.xorb_hash),
        start: entry.chunk_index_start,
        end: entry.chunk_index_end,
        raw_len: entry.unpacked_segment_bytes,
    };
    if term.start < term.end && term.end <= MAX_XORB_CHUNKS {
        return Ok(term);
    }
    Err(ShardError::Range { file: *file, index, xorb: term.xorb, start: term.start, end: term.end })
}

/// The SHA-256 of a file is stored so that it prints right as if it were a Xet hash.
pub(super) fn sha256_from_permuted(stored: &XetHash) -> Sha256 {
    let mut bytes = *stored.as_bytes();
    bytes.chunks_exact_mut(8).for_each(<[u8]>::reverse);
    Sha256::from_bytes(bytes)
}

fn parse_xorbs(rest: &mut &[u8]) -> Result<Vec<XorbSection>, ShardError> {
    let mut xorbs = Vec::new();
    let mut seen = HashSet::new();
    loop {
        let header = record(rest, XorbChunkSequenceHeader::deserialize)?;
        if header.is_bookend() {
            return Ok(xorbs);
        }
        let hash = from_library(header.xorb_hash);
        let chunk_count = header.num_entries;
        if !(1..=MAX_XORB_CHUNKS).contains(&chunk_count) {
            return Err(ShardError::ChunkCount { xorb: hash, count: chunk_count });
        }
        check_count(rest, u64::from(chunk_count))?;
        if !seen.insert(hash) {
            return Err(ShardError::DuplicateXorb(hash));
        }
        let mut flagged = Vec::new();
        for index in 0..chunk_count {
            let chunk = record(rest, XorbChunkSequenceEntry::deserialize)?;
            if chunk.flags & MDB_CHUNK_WITH_GLOBAL_DEDUP_FLAG != 0 {
                flagged.push(index);
            }
        }
        xorbs.push(XorbSection { hash, chunk_count, flagged });
    }
}

/// Checks that lookup tables and footer are all that follows the sections, and fit them.
fn check_footer(shard: &[u8], xorbs_at: usize, sections_end: usize) -> Result<(), ShardError> {
    let footer_at = shard.len().checked_sub(FOOTER).filter(|at| *at >= sections_end);
    let footer_at = footer_at.ok_or(ShardError::Truncated)?;
    let footer = MDBShardFileFooter::deserialize(&mut &shard[footer_at..]).map_err(|_| ShardError::Footer)?;
    let tables = [
        (footer.file_lookup_offset, footer.file_lookup_num_entry, 12),
        (footer.xorb_lookup_offset, footer.xorb_lookup_num_entry, 12),
        (footer.chunk_lookup_offset, footer.chunk_lookup_num_entry, 16),
    ];
    let mut at = sections_end as u64;
    let mut fits = footer.file_info_offset == RECORD as u64
        && footer.xorb_info_offset == xorbs_at as u64
        && footer.footer_offset == footer_at as u64
        && footer.chunk_hash_hmac_key == to_library(&XetHash::from_bytes([0; 32]));
    for (offset, count, row) in tables {
        // A table that is not there may have any place.
        fits &= count == 0 || offset == at;
        at = at.saturating_add(count.saturating_mul(row));
    }
    if fits && at == footer_at as u64 { Ok(()) } else { Err(ShardError::Footer) }
}
