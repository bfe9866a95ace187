//! Shards that clients could send, and those that they must not.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use hub_types::{Sha256, XetHash};
use proptest::prelude::*;
use xet_core_structures::merklehash::MerkleHash;
use xet_core_structures::metadata_shard::file_structs::{
    FileDataSequenceEntry, FileDataSequenceHeader, FileMetadataExt, FileVerificationEntry, MDBFileInfo,
};
use xet_core_structures::metadata_shard::shard_in_memory::MDBInMemoryShard;
use xet_core_structures::metadata_shard::streaming_shard::MDBMinimalShard;
use xet_core_structures::metadata_shard::xorb_structs::{MDBXorbInfo, XorbChunkSequenceEntry, XorbChunkSequenceHeader};
use xet_core_structures::metadata_shard::{MDBShardFileHeader, MDBShardInfo};

use super::*;
use crate::hash::{FileHasher, from_library, keyed_chunk_hash, to_library};
use crate::limits::{MAX_SHARD_BYTES, MAX_XORB_CHUNKS};
use crate::term::Term;
use crate::xorb::{XorbBuilder, XorbInfo};

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

type Infos = HashMap<XetHash, Arc<XorbInfo>>;

fn xorb(seed: u8, chunks: u8) -> Arc<XorbInfo> {
    let mut builder = XorbBuilder::new();
    for index in 0..chunks {
        builder.add(&vec![seed ^ index; 10 + usize::from(index)]).unwrap();
    }
    Arc::new(builder.finish().unwrap().1)
}

fn infos() -> (Infos, Vec<Arc<XorbInfo>>) {
    let xorbs = vec![xorb(1, 20), xorb(100, 3)];
    (xorbs.iter().map(|info| (*info.hash(), Arc::clone(info))).collect(), xorbs)
}

/// An honest file of these runs of chunks.
fn file(infos: &[Arc<XorbInfo>], runs: &[(usize, u32, u32)]) -> FileEntry {
    let mut hasher = FileHasher::new();
    let (mut terms, mut proofs) = (Vec::new(), Vec::new());
    for (which, start, end) in runs {
        let info = &infos[*which];
        let raw_len = info.raw_len(*start..*end).unwrap();
        terms.push(Term { xorb: *info.hash(), start: *start, end: *end, raw_len });
        proofs.push(info.range_hash(*start..*end).unwrap());
        for (chunk, len) in info.chunks().iter().zip(info.chunk_lens()).take(*end as usize).skip(*start as usize) {
            hasher.push(chunk.hash(), len);
        }
    }
    FileEntry { hash: hasher.finish().unwrap(), terms, proofs, sha256: Some(SHA.parse().unwrap()) }
}

fn library_file(file: &FileEntry) -> MDBFileInfo {
    let count = file.terms.len();
    let entry = |term: &Term| FileDataSequenceEntry::new(to_library(&term.xorb), term.raw_len, term.start, term.end);
    let sha = |sha: &Sha256| FileMetadataExt::new(MerkleHash::from_hex(&sha.to_hex()).unwrap());
    MDBFileInfo {
        metadata: FileDataSequenceHeader::new(to_library(&file.hash), count, true, file.sha256.is_some()),
        segments: file.terms.iter().map(entry).collect(),
        verification: file.proofs.iter().map(|proof| FileVerificationEntry::new(to_library(proof))).collect(),
        metadata_ext: file.sha256.as_ref().map(sha),
    }
}

fn library_xorb(info: &XorbInfo) -> MDBXorbInfo {
    let mut start = 0;
    let chunks = info.chunks().iter().zip(info.chunk_lens()).map(|(chunk, len)| {
        let entry = XorbChunkSequenceEntry::new(to_library(chunk.hash()), len, start);
        start += len;
        entry.with_global_dedup_flag(start > 30 && len % 5 == 0)
    });
    let chunks: Vec<_> = chunks.collect();
    let header = XorbChunkSequenceHeader::new(to_library(info.hash()), info.chunk_count(), info.total_raw_len());
    MDBXorbInfo { metadata: header, chunks }
}

/// A shard as clients upload it: header, sections, no footer.
fn upload(files: &[MDBFileInfo], xorbs: &[MDBXorbInfo]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MDBShardFileHeader { footer_size: 0, ..Default::default() }.serialize(&mut bytes).unwrap();
    for file in files {
        file.serialize(&mut bytes).unwrap();
    }
    FileDataSequenceHeader::bookend().serialize(&mut bytes).unwrap();
    for xorb in xorbs {
        xorb.serialize(&mut bytes).unwrap();
    }
    XorbChunkSequenceHeader::bookend().serialize(&mut bytes).unwrap();
    bytes
}

fn sample() -> (Infos, Vec<FileEntry>, Vec<u8>) {
    let (infos, xorbs) = infos();
    let files = vec![file(&xorbs, &[(0, 0, 20), (1, 1, 3), (0, 4, 5)]), file(&xorbs, &[(1, 0, 1)])];
    let theirs: Vec<_> = files.iter().map(library_file).collect();
    let bytes = upload(&theirs, &[library_xorb(&xorbs[0]), library_xorb(&xorbs[1])]);
    (infos, files, bytes)
}

fn verify(file: &FileEntry, infos: &Infos) -> Result<(), ShardError> {
    file.verify(|xorb| infos.get(xorb).cloned())
}

#[test]
fn a_file_may_be_verified_some_terms_at_a_time() {
    let (infos, files, _) = sample();
    let file = &files[0];
    let lookup = |xorb: &XetHash| infos.get(xorb).cloned();
    for first in 0..=3 {
        for second in first..=3 {
            let mut check = FileCheck::default();
            for end in [first, second, 3] {
                check.go_on(file, end, lookup).unwrap();
                assert_eq!(check.next_term(), end);
            }
            check.finish(file).unwrap();
        }
        let mut half = FileCheck::default();
        half.go_on(file, first, lookup).unwrap();
        assert_eq!(half.finish(file).is_ok(), first == 3);
    }
    let mut check = FileCheck::default();
    check.go_on(file, 1, lookup).unwrap();
    assert!(matches!(check.go_on(file, 2, |_| None), Err(ShardError::UnknownXorb { .. })));
    assert_eq!(check.next_term(), 1);
}

#[test]
fn an_honest_shard_is_read_and_verified() {
    let (infos, files, bytes) = sample();
    let shard = parse_shard(&bytes).unwrap();
    assert_eq!(shard.files, files);
    assert_eq!(shard.files[0].sha256.unwrap().to_hex(), SHA);
    assert_eq!(shard.xorbs[0].flagged, [5, 10, 15]);
    assert_eq!((shard.xorbs[0].chunk_count, shard.xorbs[1].chunk_count), (20, 3));
    for file in &shard.files {
        verify(file, &infos).unwrap();
    }
    assert_eq!(shard.files[1].raw_len(), 10);
}

#[test]
fn a_shard_with_footer_and_tables_is_read() {
    let (_, xorbs) = infos();
    let files = [file(&xorbs, &[(0, 0, 20)]), file(&xorbs, &[(1, 0, 1)])];
    let mut memory = MDBInMemoryShard::default();
    for entry in &files {
        memory.add_file_reconstruction_info(library_file(entry)).unwrap();
    }
    memory.add_xorb_block(library_xorb(&xorbs[0])).unwrap();
    let mut bytes = Vec::new();
    MDBShardInfo::serialize_from(&mut bytes, &memory, None).unwrap();
    let shard = parse_shard(&bytes).unwrap();
    assert_eq!((shard.files.len(), shard.xorbs.len()), (2, 1));
    assert!(parse_shard(&bytes[..bytes.len() - 1]).is_err());
    assert!(parse_shard(&[bytes.as_slice(), b"x"].concat()).is_err());
    let mut longer = bytes.clone();
    longer.splice(bytes.len() - 200..bytes.len() - 200, [0; 12]);
    assert_eq!(parse_shard(&longer), Err(ShardError::Footer));
}

#[test]
fn files_without_bytes_are_passed_over() {
    let (_, files, _) = sample();
    let mut empty = library_file(&files[0]);
    empty.segments.clear();
    empty.verification.clear();
    empty.metadata.num_entries = 0;
    assert_eq!(parse_shard(&upload(&[empty.clone()], &[])), Err(ShardError::EmptyFile(files[0].hash)));
    empty.metadata.file_hash = MerkleHash::default();
    let bytes = upload(&[empty.clone(), library_file(&files[1]), empty], &[]);
    assert_eq!(parse_shard(&bytes).unwrap().files, files[1..]);
}

#[test]
fn malformed_shards_are_refused() {
    let (_, files, bytes) = sample();
    for len in 0..bytes.len() {
        assert!(parse_shard(&bytes[..len]).is_err(), "{len}");
    }
    assert_eq!(parse_shard(&[bytes.as_slice(), b"x"].concat()), Err(ShardError::Trailing));
    assert_eq!(parse_shard(&vec![0; MAX_SHARD_BYTES + 1]), Err(ShardError::TooLarge(MAX_SHARD_BYTES + 1)));
    assert_eq!(parse_shard(&bytes[..48]), Err(ShardError::Truncated));
    let mut other_version = bytes;
    other_version[32] = 3;
    assert_eq!(parse_shard(&other_version), Err(ShardError::Header));

    let honest = library_file(&files[1]);
    let hash = files[1].hash;
    let refused = |change: &dyn Fn(&mut MDBFileInfo)| {
        let mut changed = honest.clone();
        change(&mut changed);
        parse_shard(&upload(&[changed], &[])).unwrap_err()
    };
    assert_eq!(refused(&|file| file.metadata.file_flags |= 1), ShardError::UnknownFlags(hash));
    assert_eq!(refused(&|file| file.metadata.file_flags = 0), ShardError::NoVerification(hash));
    assert_eq!(refused(&|file| file.metadata.num_entries = 0), ShardError::EmptyFile(hash));
    assert_eq!(refused(&|file| file.metadata.num_entries = u32::MAX), ShardError::Truncated);
    assert_eq!(refused(&|file| file.segments[0].xorb_flags = 1), ShardError::UnknownFlags(hash));
    for (start, end) in [(1, 1), (2, 1), (0, MAX_XORB_CHUNKS + 1), (u32::MAX, 0)] {
        let change = |file: &mut MDBFileInfo| {
            (file.segments[0].chunk_index_start, file.segments[0].chunk_index_end) = (start, end);
        };
        assert!(matches!(refused(&change), ShardError::Range { .. }));
    }
    let twice = upload(&[honest.clone(), honest], &[]);
    assert_eq!(parse_shard(&twice), Err(ShardError::DuplicateFile(hash)));
}

#[test]
fn malformed_xorb_sections_are_refused() {
    let info = infos().1.remove(0);
    let (hash, section) = (*info.hash(), library_xorb(&info));
    assert_eq!(parse_shard(&upload(&[], &[section.clone(), section.clone()])), Err(ShardError::DuplicateXorb(hash)));
    for count in [0, 8193, u32::MAX] {
        let mut section = section.clone();
        section.metadata.num_entries = count;
        section.chunks.clear();
        assert_eq!(parse_shard(&upload(&[], &[section])), Err(ShardError::ChunkCount { xorb: hash, count }));
    }
    let mut longer = section;
    longer.metadata.num_entries = 8192;
    assert_eq!(parse_shard(&upload(&[], &[longer])), Err(ShardError::Truncated));
}

#[test]
fn the_work_a_shard_may_cause_is_bounded() {
    let mut entry = library_file(&sample().1[1]);
    entry.segments[0].chunk_index_end = MAX_XORB_CHUNKS;
    let count = (1 << 14) + 1;
    entry.segments = vec![entry.segments[0].clone(); count];
    entry.verification = vec![entry.verification[0].clone(); count];
    entry.metadata.num_entries = count as u32;
    assert_eq!(parse_shard(&upload(&[entry], &[])), Err(ShardError::TooManyChunks));
}

#[test]
fn lies_about_files_are_found() {
    let (infos, files, _) = sample();
    let honest = &files[0];
    let lie = |change: &dyn Fn(&mut FileEntry)| {
        let mut file = honest.clone();
        change(&mut file);
        verify(&file, &infos).unwrap_err()
    };
    let file = honest.hash;
    assert_eq!(lie(&|file| file.proofs[1] = file.proofs[0]), ShardError::Proof { file, index: 1 });
    assert_eq!(lie(&|file| file.proofs.truncate(2)), ShardError::NoVerification(file));
    let length = ShardError::Length { file, index: 2, claimed: 15, actual: 14 };
    assert_eq!(lie(&|file| file.terms[2].raw_len += 1), length);
    assert!(matches!(lie(&|file| file.terms[1].end = 4), ShardError::Range { index: 1, .. }));
    let unknown = XetHash::from_bytes([7; 32]);
    assert_eq!(lie(&|file| file.terms[0].xorb = unknown), ShardError::UnknownXorb { file, xorb: unknown });
    assert!(matches!(lie(&|file| file.hash = unknown), ShardError::WrongHash { .. }));
    let shorter = |file: &mut FileEntry| {
        file.terms.pop();
        file.proofs.pop();
    };
    assert!(matches!(lie(&shorter), ShardError::WrongHash { .. }));
    assert!(matches!(lie(&|file| file.terms.clear()), ShardError::EmptyFile(_)));
}

#[test]
fn dedup_shards_are_what_the_library_reads() {
    let (_, xorbs) = infos();
    let key = [9; 32];
    let bytes = dedup_shard(&xorbs, &key, 1000, 2000).unwrap();
    let loaded = MDBShardInfo::load_from_reader(&mut Cursor::new(&bytes)).unwrap();
    assert_eq!((loaded.header.footer_size, loaded.metadata.shard_key_expiry), (200, 2000));
    assert_eq!(loaded.metadata.shard_creation_timestamp, 1000);
    assert_eq!(loaded.metadata.chunk_hash_hmac_key, MerkleHash::from(key));
    let read = MDBMinimalShard::from_reader(&mut Cursor::new(&bytes), true, true).unwrap();
    assert_eq!((read.num_files(), read.num_xorb()), (0, 2));
    for (index, info) in xorbs.iter().enumerate() {
        let theirs = read.xorb(index).unwrap();
        assert_eq!(from_library(theirs.xorb_hash()), *info.hash());
        for (at, chunk) in info.chunks().iter().enumerate() {
            assert_eq!(theirs.chunk(at).chunk_hash, keyed_chunk_hash(chunk.hash(), &key));
            assert_ne!(theirs.chunk(at).chunk_hash, to_library(chunk.hash()));
        }
    }
    let all = loaded.read_all_truncated_hashes(&mut Cursor::new(&bytes)).unwrap();
    assert_eq!(all.len(), 23);
    // Keyed hashes are no upload.
    assert_eq!(parse_shard(&bytes), Err(ShardError::Footer));
    assert!(dedup_shard(&xorbs, &[0; 32], 1, 2).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is changed: it does not panic, and what is accepted are files that were proved.
    #[test]
    fn changed_shards_are_refused_or_say_the_same(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (infos, files, mut bytes) = sample();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for file in parse_shard(&bytes).map(|shard| shard.files).unwrap_or_default() {
            if verify(&file, &infos).is_ok() {
                let honest = files.iter().find(|honest| honest.hash == file.hash).unwrap();
                prop_assert_eq!(&honest.terms, &file.terms);
            }
        }
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut shard = Vec::new();
        MDBShardFileHeader { footer_size: 0, ..Default::default() }.serialize(&mut shard).unwrap();
        shard.extend(bytes);
        let _ = parse_shard(&shard);
    }
}
