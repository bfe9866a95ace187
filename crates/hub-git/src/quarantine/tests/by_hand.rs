//! Packs that no git writes: deltas that unfold to too much, and numbers that lie.

use hub_types::Oid;

use super::*;
use crate::fixture::raw_pack;

const BLOB: u8 = 3;
const REF_DELTA: u8 = 7;

/// A number as deltas write it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[tokio::test]
async fn packs_by_hand_are_as_good_as_gits() {
    let fixture = Fixture::new();
    let received = receive(&fixture, &raw_pack(&[(BLOB, 5, None, b"hello")])).await.1;
    assert_eq!(received.unwrap().unwrap().objects, 1);
}

#[tokio::test]
async fn a_delta_that_unfolds_to_gigabytes_is_refused() {
    let fixture = Fixture::new();
    let base = fixture.blob(&[b'x'; 60_000]);
    fixture.git(&["push", "-q", "../server", "main"]);
    let oid: Oid = base.parse().unwrap();
    let copies = 100_000;
    // Copy 60,000 bytes from offset 0, again and again.
    let mut delta = [varint(60_000), varint(60_000 * copies)].concat();
    for _ in 0..copies {
        delta.extend_from_slice(&[0b1011_0000, 0x60, 0xea]);
    }
    let pack = raw_pack(&[(BLOB, 60_000, None, &[b'x'; 60_000]), (REF_DELTA, delta.len() as u64, Some(*oid.as_bytes()), &delta)]);
    assert!(pack.len() < 10_000, "{}", pack.len());
    let message = refusal(&fixture, &pack).await;
    assert!(message.contains("too large"), "{message}");
}

#[tokio::test]
async fn deltas_that_build_on_each_other_are_refused() {
    let fixture = Fixture::new();
    let delta = [varint(5), varint(5), vec![5], b"hello".to_vec()].concat();
    let pack = raw_pack(&[
        (REF_DELTA, delta.len() as u64, Some([1; 20]), &delta),
        (REF_DELTA, delta.len() as u64, Some([2; 20]), &delta),
    ]);
    assert!(refusal(&fixture, &pack).await.contains("does not have"));
}

#[tokio::test]
async fn sizes_and_types_that_lie_are_refused() {
    let fixture = Fixture::new();
    for entry in [
        (BLOB, 4, None, &b"hello"[..]),
        (BLOB, 6, None, b"hello"),
        (0, 5, None, b"hello"),
        (5, 5, None, b"hello"),
        (1, 5, None, b"hello"),
    ] {
        let result = receive(&fixture, &raw_pack(&[entry])).await.1;
        assert!(matches!(result, Err(PushError::BrokenPack(_))), "{entry:?}: {result:?}");
    }
}
