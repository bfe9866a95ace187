//! Packs with damage done to them: refused in words, or taken as what they are; nothing is left behind, and git is never said to
//! have failed.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::fixture::{Fixture, run};

const LIMITS: PushLimits = PushLimits {
    max_pack_bytes: 4 * 1024 * 1024,
    max_file_bytes: 1024 * 1024,
    max_changed_entries: 1_000,
    timeout: Duration::from_secs(60),
};

#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Repeat(Index, u16),
    Remove(Index, u16),
    /// The count of objects in the head.
    Count(u32),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), 1..300_u16).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => (at(), 1..300_u16).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => prop_oneof![0..9_u32, any::<u32>()].prop_map(Change::Count),
    ];
    prop::collection::vec(change, 0..4)
}

/// Damages a pack; with `summed` its checksum fits again, so that what is inside is looked at.
fn damaged(pack: &[u8], changes: &[Change], summed: bool) -> Vec<u8> {
    use sha1::Digest as _;
    let mut bytes = pack.to_vec();
    for change in changes {
        let length = bytes.len();
        if length < 12 {
            break;
        }
        match change {
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Repeat(at, count) => {
                let at = at.index(length);
                let again = bytes[at..length.min(at + usize::from(*count))].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..length.min(at + usize::from(*count)));
            }
            Change::Count(count) => bytes[8..12].copy_from_slice(&count.to_be_bytes()),
        }
    }
    if summed && bytes.len() > 32 {
        let end = bytes.len() - 20;
        let sum = sha1::Sha1::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
    }
    bytes
}

#[test]
fn damaged_packs_are_refused_in_words_or_are_whole() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let fixture = Fixture::new();
    let text = std::fs::read_to_string(fixture.work().join("text.txt")).unwrap();
    let new = fixture.commit("text.txt", text.replace("line 7 ", "line seven ").as_bytes());
    let thin = fixture.thin_pack(new);
    let whole = fixture.pack_of_everything();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let config = ProptestConfig { source_file: Some(file!()), max_shrink_iters: 100, ..ProptestConfig::with_cases(cases) };
    let taken = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&(any::<bool>(), changes(), any::<bool>()), |(is_thin, changes, summed)| {
        let pack = damaged(if is_thin { &thin } else { &whole }, &changes, summed);
        let quarantine = Quarantine::new(fixture.view());
        let received = runtime.block_on(async {
            let mut index = IndexPack::start(&quarantine, LIMITS)?;
            index.feed(&mut pack.as_slice(), PackEnd::WithStream).await?;
            index.finish(&quarantine).await
        });
        match received {
            Ok(Some(received)) => {
                taken.set(taken.get() + 1);
                // Git itself finds nothing wrong with what was taken.
                run(&["index-pack", "--strict", received.pack.to_str().unwrap()], quarantine.git_dir(), b"");
            }
            Ok(None) => {}
            Err(error) => {
                prop_assert!(!error.is_server_fault(), "{error:?}");
                prop_assert!(error.to_string().len() > 10, "{error}");
            }
        }
        drop(quarantine);
        prop_assert_eq!(std::fs::read_dir(fixture.scratch()).unwrap().count(), 0, "something is left behind");
        Ok(())
    });
    outcome.unwrap();
    assert!(taken.get() > 0, "what is not damaged is taken");
}
