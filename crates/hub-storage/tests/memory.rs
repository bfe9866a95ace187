//! Memory does not depend on the size of an object. A process of its own, whose memory nobody else takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[allow(dead_code, reason = "the other tests need more of it")]
#[path = "conformance/places.rs"]
mod places;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hub_storage::{Expect, StorageKey, Store};
use places::{HOUR, Kind, MIB, Place};

const GIB: u64 = 1024 * 1024 * 1024;
const PIECE: usize = 256 * 1024;
/// Three parts of 8 MiB on their way, one that is being filled and one that is hashed, and what the network holds.
const MOST: u64 = 96 * MIB as u64;

/// Pseudo-random pieces, made one at a time.
fn pieces(size: u64) -> impl Stream<Item = Result<Bytes, String>> + Send + Unpin + 'static {
    let count = size.div_ceil(PIECE as u64);
    let piece = move |index: u64| {
        let length = (size - index * PIECE as u64).min(PIECE as u64) as usize;
        let mut state = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(length);
        Ok(Bytes::from(bytes))
    };
    stream::iter((0..count).map(piece))
}

/// The most memory that this process had since the last call, over what it has now.
struct Peak(u64);

impl Peak {
    fn begin() -> Self {
        // The kernel then counts anew.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self(status("VmRSS:"))
    }

    fn rise(&self) -> u64 {
        status("VmHWM:").saturating_sub(self.0)
    }
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

async fn moves(place: &Place, size: u64) {
    let (store, key) = (&place.store, StorageKey::upload("large"));
    let peak = Peak::begin();
    let stored = store.put_stream(&key, pieces(size), Expect::at_most(u64::MAX)).await.unwrap();
    assert_eq!(stored.size, size);
    assert_eq!(store.digest(&key).await.unwrap(), stored);
    let rise = peak.rise();
    assert!(rise < MOST, "{:?}: {} MiB for an object of {} MiB", place.kind, rise / MIB as u64, size / MIB as u64);
    store.delete(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_depend_on_the_size_of_an_object() {
    for kind in [Kind::Local, Kind::S3, Kind::Azure, Kind::Gcs] {
        if let Some(place) = Place::fresh(kind).await {
            // Warm: what is there for good does not count.
            moves(&place, 20 * MIB as u64).await;
            moves(&place, 192 * MIB as u64).await;
        }
    }
}

/// Sends an object in parts by their addresses, as clients do; gives the most memory it took.
async fn send_by_address(store: &Store, key: &StorageKey, size: u64, part: u64) -> u64 {
    let http = reqwest::Client::new();
    let id = store.create_upload(key).await.unwrap();
    let peak = Peak::begin();
    for (index, start) in (0..size).step_by(part as usize).enumerate() {
        let length = part.min(size - start);
        let url = store.presign_part(key, &id, index as u16 + 1, HOUR).unwrap();
        let body = reqwest::Body::wrap_stream(pieces(length).map(|piece| piece.map_err(std::io::Error::other)));
        let sent = http.put(url).header("content-length", length).body(body).send().await.unwrap();
        assert!(sent.status().is_success(), "part {index}: {}", sent.status());
    }
    let parts = store.list_parts(key, &id).await.unwrap();
    assert_eq!(parts.iter().map(|part| part.size).sum::<u64>(), size);
    store.complete_upload(key, &id, parts.into_iter().map(|part| part.etag).collect()).await.unwrap();
    peak.rise()
}

/// Over 5 GiB, S3 takes an object in parts only, and copies it in parts only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "moves 20 GiB and takes 11 GiB of disk: cargo test -p hub-storage --test memory -- --ignored"]
async fn more_than_five_gib_go_by_address_and_are_copied() {
    let Some(Place { store, .. }) = Place::fresh(Kind::S3).await else { return };
    let (size, part) = (5 * GIB + 17 * MIB as u64 + 5, 512 * MIB as u64);
    let (from, to) = (StorageKey::upload("huge"), StorageKey::upload("copy"));
    let started = Instant::now();
    let rise = send_by_address(&store, &from, size, part).await;
    assert!(rise < MOST, "sending took {} MiB", rise / MIB as u64);
    assert_eq!(store.head(&from).await.unwrap().size, size);

    let peak = Peak::begin();
    let found = store.digest(&from).await.unwrap();
    store.copy(&from, &to).await.unwrap();
    assert_eq!(store.digest(&to).await.unwrap(), found);
    assert!(peak.rise() < MOST, "reading took {} MiB", peak.rise() / MIB as u64);
    // The bytes are those that were sent, at the border of two parts and at the end.
    let expected = |start: u64, length: usize| async move {
        let part: Vec<_> = pieces(part.min(size - start)).take(1).try_collect().await.unwrap();
        part[0].slice(..length)
    };
    for start in [0, part, 10 * part] {
        let got = store.get_range(&from, start..start + 1000).await.unwrap();
        assert!(got == expected(start, 1000).await, "{start}");
    }
    let (sending, took) = (rise / MIB as u64, started.elapsed().max(Duration::from_secs(1)));
    eprintln!("{size} bytes in {took:.0?}; sending took {sending} MiB, reading {} MiB", peak.rise() / MIB as u64);
}
