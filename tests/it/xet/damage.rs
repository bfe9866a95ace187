//! What the disk has done to chunks is found, and never given out.

use std::path::PathBuf;

use hub::admin::fsck::{Depth, check};
use hub_tests::{Client, TestHub};

use super::client::{Packed, Xorb, random};
use super::start;

/// Where a xorb lies on the local store, or what is known of it.
async fn path_of(hub: &TestHub, xorb: &Xorb, ending: &str) -> PathBuf {
    let rows = hub::xet::queries::list_xorbs(&hub.app().pool, &[xorb.hash()]).await.expect("rows");
    let key = hub_storage::StorageKey::xorb(&xorb.hash(), rows[0].nonce);
    hub.app().config.data_dir.join("store").join(format!("{key}{ending}"))
}

/// What the check finds.
async fn problems(hub: &TestHub, depth: Depth) -> Vec<String> {
    let mut found = Vec::new();
    check(hub.app(), None, depth, |line| found.push(line)).await.expect("the check runs");
    found
}

async fn downloads(ada: &Client) -> bool {
    let answer = ada.get("/ada/bert/resolve/main/w.bin", 200).await;
    answer.bytes().await.is_ok()
}

#[tokio::test]
async fn damaged_chunks_are_found_and_not_given_out() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(800_000, 1), 5);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    assert!(downloads(&ada).await);
    for depth in [Depth::Sizes, Depth::Bytes] {
        assert_eq!(problems(&hub, depth).await, Vec::<String>::new());
    }
    let xorb = &packed.xorbs[1];
    for ending in ["", ".meta"] {
        let path = path_of(&hub, xorb, ending).await;
        let good = std::fs::read(&path).expect("it is there");
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for (bad, shallow) in [(Some(&good[..good.len() - 1]), true), (None, true), (Some(&flipped[..]), ending == ".meta")] {
            std::fs::remove_file(&path).expect("it is there");
            bad.iter().for_each(|bytes| std::fs::write(&path, bytes).expect("written"));
            assert_eq!(!problems(&hub, Depth::Sizes).await.is_empty(), shallow, "{ending}");
            let deep = problems(&hub, Depth::Bytes).await;
            // What is gone is told with the file, and as an object that a row names.
            assert!(deep.len() <= 2 && deep.iter().any(|problem| problem.contains("w.bin")), "{ending}: {deep:?}");
            if ending.is_empty() {
                assert!(!downloads(&ada).await, "it breaks off, and no wrong byte is sent as right");
            }
            std::fs::write(&path, &good).expect("written");
        }
        assert_eq!(problems(&hub, Depth::Bytes).await, Vec::<String>::new());
    }
    assert!(downloads(&ada).await);
    hub.stop().await;
}

#[tokio::test]
async fn of_a_file_that_lies_both_ways_both_are_checked() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(300_000, 2), 8192);
    crate::lfs::upload(&ada, "ada/bert", &packed.file).await;
    hub.jobs_done().await;
    super::client::commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
    assert_eq!(problems(&hub, Depth::Bytes).await, Vec::<String>::new());
    let path = path_of(&hub, &packed.xorbs[0], "").await;
    let mut bytes = std::fs::read(&path).expect("it is there");
    bytes[1000] ^= 1;
    std::fs::remove_file(&path).expect("it is there");
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(problems(&hub, Depth::Bytes).await.len(), 1);
    hub.stop().await;
}
