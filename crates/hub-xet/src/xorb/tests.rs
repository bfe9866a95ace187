//! Round trips and bad inputs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_types::XetHash;
use proptest::prelude::*;
use xet_core_structures::xorb_object::{CompressionScheme, XorbChunkHeader, lz4_compress_from_slice, write_chunk_header};

use super::*;
use crate::chunk::ChunkError;
use crate::limits::MAX_XORB_CHUNKS;

fn serialized(scheme: CompressionScheme, payload: &[u8], raw_len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_chunk_header(&mut bytes, &XorbChunkHeader::new(scheme, payload.len() as u32, raw_len as u32)).unwrap();
    bytes.extend_from_slice(payload);
    bytes
}

fn build(chunks: &[Vec<u8>]) -> (Vec<u8>, XorbInfo) {
    let mut builder = XorbBuilder::new();
    for chunk in chunks {
        builder.add(chunk).unwrap();
    }
    let (body, info) = builder.finish().unwrap();
    (body.to_vec(), info)
}

/// Chunks that take every compression scheme.
fn chunks() -> Vec<Vec<u8>> {
    let floats = (0..5000).flat_map(|index| ((index as f32 * 0.3).sin() * 0.02).to_le_bytes()).collect();
    let random = (0..300u32).flat_map(|index| *blake3::hash(&index.to_le_bytes()).as_bytes()).collect();
    vec![b"hello hello hello hello hello ".repeat(100), floats, random, b"x".to_vec(), vec![0; 131_072]]
}

fn verify(expected: &XetHash, footer: Footer, body: &[u8], piece: usize) -> Result<(usize, XorbInfo), XorbError> {
    let mut verifier = XorbVerifier::new(*expected, footer);
    let mut stored = 0;
    for bytes in body.chunks(piece.max(1)) {
        stored += verifier.push(bytes)?;
    }
    Ok((stored, verifier.finish()?))
}

fn check(expected: &XetHash, body: &[u8]) -> Result<XorbInfo, XorbError> {
    let whole = verify(expected, Footer::Refused, body, body.len());
    let pieces = verify(expected, Footer::Refused, body, 7);
    assert_eq!(whole, pieces);
    whole.map(|(stored, info)| {
        assert_eq!(stored, body.len());
        info
    })
}

#[test]
fn what_is_built_is_verified_and_decoded() {
    let chunks = chunks();
    let (body, info) = build(&chunks);
    assert_eq!([body[4]], [1]);
    assert_eq!(check(info.hash(), &body).unwrap(), info);
    let info = Arc::new(info);
    for start in 0..5 {
        for end in start + 1..=5 {
            let range = info.stored_range(start..end).unwrap();
            let stored = &body[range.start as usize..range.end as usize];
            let raw = chunks[start as usize..end as usize].concat();
            assert_eq!(info.raw_len(start..end).unwrap() as usize, raw.len());
            assert_eq!(decode(&info, start..end, stored).unwrap(), raw);
            assert!(decode(&info, start..end, &stored[1..]).is_err());
            assert!(decode(&info, start..end, &stored[..stored.len() - 1]).is_err());
            assert!(decode(&info, start..end, &[stored, b"\0"].concat()).is_err());
        }
    }
    assert!(info.range(0..6).is_err() && info.range(2..2).is_err() && info.stored_range(5..6).is_err());
    #[expect(clippy::reversed_empty_ranges, reason = "hostile input")]
    let reversed = 3..1;
    assert!(info.raw_len(reversed).is_err());
    let lens: Vec<_> = info.chunk_lens().map(|len| len as usize).collect();
    assert_eq!(lens, chunks.iter().map(Vec::len).collect::<Vec<_>>());
    assert!(info.memory_bytes() >= 200);
}

#[test]
fn a_stored_chunk_that_changed_is_not_decoded() {
    let (mut body, info) = build(&chunks());
    let range = info.stored_range(2..3).unwrap();
    let info = Arc::new(info);
    body[range.end as usize - 1] ^= 1;
    let stored = &body[range.start as usize..range.end as usize];
    assert_eq!(decode(&info, 2..3, stored), Err(XorbError::Corrupt(2)));
}

#[test]
fn metadata_round_trips_and_damage_is_found() {
    let (_, info) = build(&chunks());
    let bytes = info.to_bytes().unwrap();
    assert_eq!(bytes.len(), 96 + 40 * 5);
    assert_eq!(XorbInfo::from_bytes(&bytes).unwrap(), info);
    for len in 0..bytes.len() {
        assert!(XorbInfo::from_bytes(&bytes[..len]).is_err());
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(read) = XorbInfo::from_bytes(&bytes) {
                // Only the end of a stored chunk is not covered by the hash, and the spare bytes.
                assert_eq!((read.hash(), read.total_raw_len()), (info.hash(), info.total_raw_len()));
            }
        }
    }
    assert!(XorbInfo::from_bytes(&vec![0; 96 + 40 * 8193]).is_err());
}

#[test]
fn footers_are_ignored_or_refused() {
    let (body, info) = build(&chunks());
    let with_footer = [body.as_slice(), &info.to_bytes().unwrap()].concat();
    for piece in [1, 3, 1000, with_footer.len()] {
        let (stored, read) = verify(info.hash(), Footer::Ignored, &with_footer, piece).unwrap();
        assert_eq!((stored, &read), (body.len(), &info));
    }
    let refused = |footer, tail: &[u8]| {
        let bytes = [body.as_slice(), tail].concat();
        let whole = verify(info.hash(), footer, &bytes, bytes.len()).unwrap_err();
        assert_eq!(verify(info.hash(), footer, &bytes, 1).unwrap_err(), whole);
        whole
    };
    assert_eq!(refused(Footer::Refused, b"XETBLOB\x01"), XorbError::FooterRefused);
    assert_eq!(refused(Footer::Ignored, b"XETBLOA\x01"), XorbError::BadFooter);
    assert_eq!(refused(Footer::Ignored, b"XET"), XorbError::BadFooter);
    let long = [b"XETBLOB".as_slice(), &vec![0; 400_000]].concat();
    assert_eq!(refused(Footer::Ignored, &long), XorbError::BadFooter);
}

#[test]
fn bad_xorbs_are_refused() {
    let (body, info) = build(&chunks());
    let other = build(&[b"other".to_vec()]).1;
    assert!(matches!(check(other.hash(), &body), Err(XorbError::WrongHash { .. })));
    assert_eq!(check(info.hash(), b""), Err(XorbError::Empty));
    assert_eq!(check(info.hash(), &body[..body.len() - 1]), Err(XorbError::Truncated(4)));
    assert!(check(info.hash(), &[body.as_slice(), b"\0"].concat()).is_err());
    assert!(check(info.hash(), &[b"garbage!".as_slice(), &body].concat()).is_err());
    let many = serialized(CompressionScheme::None, b"x", 1).repeat(MAX_XORB_CHUNKS as usize + 1);
    assert_eq!(check(info.hash(), &many), Err(XorbError::TooManyChunks));
    let large = serialized(CompressionScheme::None, &[0; 131_072], 131_072).repeat(513);
    assert_eq!(verify(info.hash(), Footer::Refused, &large, large.len()).unwrap_err(), XorbError::TooLarge);
    let mut auto = body;
    auto[4] = 99;
    let source = ChunkError::Scheme(99);
    assert_eq!(check(info.hash(), &auto), Err(XorbError::Chunk { index: 0, source }));
}

#[test]
fn a_bomb_stops_early() {
    // 157 KB that inflate to 40 MB; as it must not be longer than what it claims, it is cut to fit too.
    let bomb = lz4_compress_from_slice(&vec![0; 40_000_000]).unwrap();
    let look = || {
        let start = Instant::now();
        for len in [bomb.len(), 131_072, 100_000] {
            let body = serialized(CompressionScheme::LZ4, &bomb[..len], 131_072);
            assert!(check(&XetHash::from_bytes([0; 32]), &body).is_err());
            let body = serialized(CompressionScheme::ByteGrouping4LZ4, &bomb[..len], 131_072);
            assert!(check(&XetHash::from_bytes([0; 32]), &body).is_err());
        }
        start.elapsed()
    };
    // Others may have the machine for a while, but hardly each time.
    let quickest = (0..5).map(|_| look()).min().unwrap();
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
}

#[test]
fn a_verifier_that_failed_does_not_recover() {
    let (body, info) = build(&[b"good".to_vec()]);
    let mut verifier = XorbVerifier::new(*info.hash(), Footer::Refused);
    let bad = serialized(CompressionScheme::LZ4, b"zz", 4);
    let error = verifier.push(&bad).unwrap_err();
    assert_eq!(verifier.push(&body).unwrap_err(), error);
    assert_eq!(verifier.finish().unwrap_err(), error);
}

fn small_chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let chunk = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..200),
        (any::<u8>(), 1usize..3000).prop_map(|(byte, len)| vec![byte; len]),
        (1usize..500).prop_map(|len| (0..len * 4).map(|at| if at % 4 == 3 { 60 } else { (at * 37) as u8 }).collect()),
    ];
    proptest::collection::vec(chunk, 1..12)
}

proptest! {
    #[test]
    fn any_chunks_round_trip(chunks in small_chunks(), piece in 1usize..5000) {
        let (body, info) = build(&chunks);
        let (stored, read) = verify(info.hash(), Footer::Refused, &body, piece).unwrap();
        prop_assert_eq!(stored, body.len());
        prop_assert_eq!(&read, &info);
        prop_assert_eq!(&XorbInfo::from_bytes(&info.to_bytes().unwrap()).unwrap(), &info);
        prop_assert_eq!(decode(&Arc::new(info), 0..chunks.len() as u32, &body).unwrap(), chunks.concat());
    }

    /// Whatever is changed: it is refused, or it still is the same xorb and decodes to the same bytes.
    #[test]
    fn changed_xorbs_are_refused_or_equal(
        chunks in small_chunks(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (mut body, info) = build(&chunks);
        for (at, value) in changes {
            let at = at.index(body.len());
            body[at] = value;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        if let Ok((_, read)) = verify(info.hash(), Footer::Ignored, &body, body.len()) {
            prop_assert_eq!(read.hash(), info.hash());
            let read = Arc::new(read);
            let stored = &body[..read.total_stored_len() as usize];
            prop_assert_eq!(decode(&read, 0..chunks.len() as u32, stored).unwrap(), chunks.concat());
        }
    }

    #[test]
    fn any_bytes_as_metadata_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = XorbInfo::from_bytes(&bytes);
    }
}
