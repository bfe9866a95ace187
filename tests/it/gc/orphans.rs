//! What lies in the store and no row names: bytes of which the rows are gone, and uploads that never ended.

use std::time::SystemTime;

use hub::gc::{self, Amount, Item, Limits, Mode, Report};
use hub_storage::StorageKey;
use hub_tests::TestHub;
use hub_types::{Oid, Sha256, XetHash};

use super::{AT_ONCE, DAY, run, start, stored};

/// Makes a file of the store three days old.
fn make_old(hub: &TestHub, key: &str) {
    let path = hub.app().config.data_dir.join("store").join(key);
    std::fs::File::open(path).unwrap().set_modified(SystemTime::now() - DAY * 3).unwrap();
}

#[tokio::test]
async fn gc_deletes_orphans_under_keys_of_its_own_and_tells_of_others() {
    let (hub, _ada) = start().await;
    let (xorb, file) = (XetHash::from_bytes([7; 32]), Sha256::from_bytes([8; 32]));
    let keys = [
        StorageKey::xorb(&xorb, 1),
        StorageKey::xorb_meta(&xorb, 1),
        StorageKey::lfs(&file, Some(1)),
        StorageKey::lfs(&file, None),
        StorageKey::pack(&Oid::from_bytes([9; 20]), None),
        StorageKey::pack(&Oid::from_bytes([9; 20]), Some(1)),
    ];
    for key in &keys {
        hub.app().store.put_bytes(key, vec![0; 10]).await.unwrap();
    }
    assert_eq!(run(&hub, AT_ONCE).await, Report::default(), "their rows may be about to come");
    for key in &keys {
        make_old(&hub, key.as_str());
    }
    let report = run(&hub, AT_ONCE).await;
    assert_eq!(report.get(Item::OrphanXorbs), Amount { count: 2, bytes: 20 });
    for item in [Item::OrphanFiles, Item::OldOrphanFiles, Item::OrphanPacks, Item::OldOrphanPacks] {
        assert_eq!(report.get(item), Amount { count: 1, bytes: 10 });
    }
    assert_eq!(stored(&hub).await, [keys[3].as_str()]);
    assert!(hub.app().store.exists(&keys[4]).await.unwrap());
    assert!(!hub.app().store.exists(&keys[5]).await.unwrap());
    hub.stop().await;
}

#[tokio::test]
async fn gc_tells_of_unfinished_uploads_before_they_go() {
    let (hub, _ada) = start().await;
    let store = &hub.app().store;
    let (old, young) = (StorageKey::upload("1/old.parts-5/00001"), StorageKey::upload("1/young"));
    for key in [&old, &young] {
        store.put_bytes(key, vec![0; 10]).await.unwrap();
    }
    let half_key = "uploads/1/half#3";
    let half = hub.app().config.data_dir.join("store").join(half_key);
    std::fs::write(&half, "half").unwrap();
    assert_eq!(run(&hub, AT_ONCE).await, Report::default(), "somebody may still be sending");
    for key in [old.as_str(), half_key] {
        make_old(&hub, key);
    }
    let dry = gc::collect(hub.app(), AT_ONCE, Mode::DryRun).await.unwrap().unwrap();
    assert_eq!(dry.get(Item::StagedUploads), Amount { count: 1, bytes: 10 }, "{}", dry.table());
    assert_eq!(dry.get(Item::HalfWritten), Amount { count: 1, bytes: 4 });
    assert!(store.exists(&old).await.unwrap() && half.exists(), "nothing goes in a dry run");
    assert_eq!(run(&hub, AT_ONCE).await, dry, "what was told goes");
    assert!(!store.exists(&old).await.unwrap() && !half.exists());
    assert!(store.exists(&young).await.unwrap());
    hub.stop().await;
}

#[tokio::test]
async fn gc_doubts_a_database_that_knows_nothing_of_the_store() {
    let (hub, _ada) = start().await;
    for nonce in 0..101 {
        let key = StorageKey::xorb(&XetHash::from_bytes([7; 32]), nonce);
        hub.app().store.put_bytes(&key, vec![0; 10]).await.unwrap();
        make_old(&hub, key.as_str());
    }
    assert_eq!(run(&hub, AT_ONCE).await.get(Item::ManyOrphans).count, 101);
    assert_eq!(stored(&hub).await.len(), 101);
    assert_eq!(run(&hub, Limits { many_orphans: true, ..AT_ONCE }).await.get(Item::OrphanXorbs).count, 101);
    assert_eq!(stored(&hub).await.len(), 0);
    hub.stop().await;
}
