//! Git packs that no repository has any more.

use futures::TryStreamExt as _;
use hub::gc::{Item, Limits};
use hub::repos::queries::packs::{self, PackRow};
use hub::repos::refs::StoredPack;
use hub::repos::repack::repack;
use hub_storage::StorageKey;
use hub_tests::{Client, TestHub};

use super::{AT_ONCE, DAY, assert_sound, delete_repo, run, start};

const QUARANTINED: Limits = Limits { quarantine: DAY, ..AT_ONCE };

/// A repository of six packs that were joined: those packs, and its key.
async fn joined() -> (TestHub, Client, Vec<PackRow>, i64) {
    let (hub, ada) = start().await;
    for number in 0..5 {
        let file = Client::file("notes.txt", &format!("as of commit {number}"));
        ada.commit("/api/models/ada/bert", "main", &[file], 200).await;
    }
    let pk = sqlx::query_scalar("select repo_pk from repos where name = 'bert'").fetch_one(&hub.app().pool).await.unwrap();
    let before = packs::list(&hub.app().pool, pk).await.unwrap();
    assert_eq!((before.len(), repack(hub.app(), &hub.app().git, pk).await.unwrap().after), (6, 1));
    (hub, ada, before, pk)
}

async fn in_store(hub: &TestHub) -> usize {
    hub.app().store.list(StorageKey::GIT).try_collect::<Vec<_>>().await.unwrap().len()
}

#[tokio::test]
async fn joined_packs_go_after_quarantine_and_those_of_deleted_repositories_too() {
    let (hub, ada, before, _) = joined().await;
    let others = in_store(&hub).await - 2 * (before.len() + 1);

    let report = run(&hub, QUARANTINED).await;
    assert_eq!((report.get(Item::CondemnedPacks).count, report.get(Item::WaitingPacks).count), (6, 6), "{}", report.table());
    assert_eq!(in_store(&hub).await, others + 14, "nodes may still read them");
    let report = run(&hub, AT_ONCE).await;
    assert_eq!((report.get(Item::SweptPacks).count, report.get(Item::Deleted).count), (6, 12), "{}", report.table());
    assert_eq!(in_store(&hub).await, others + 2);
    assert_sound(&hub).await;
    let file = ada.get("/ada/bert/resolve/main/notes.txt", 200).await;
    assert_eq!(file.text().await.unwrap(), "as of commit 4");

    delete_repo(&ada, "bert").await;
    // Into quarantine, and out of it.
    run(&hub, AT_ONCE).await;
    run(&hub, AT_ONCE).await;
    assert_eq!(in_store(&hub).await, others);
    hub.stop().await;
}

#[tokio::test]
async fn a_pack_that_comes_again_leaves_quarantine() {
    let (hub, _ada, before, pk) = joined().await;
    run(&hub, QUARANTINED).await;
    let PackRow { hash, nonce, size_bytes } = before[0];
    let again = StoredPack { hash, nonce: 42, size_bytes, object_count: 3 };
    let mut conn = hub.app().pool.acquire().await.unwrap();
    packs::add(&mut conn, pk, &[again]).await.unwrap();
    packs::next_generation(&mut conn, pk).await.unwrap();
    drop(conn);

    assert_eq!(run(&hub, AT_ONCE).await.get(Item::SweptPacks).count, 5);
    assert!(packs::list(&hub.app().pool, pk).await.unwrap().contains(&before[0]));
    assert!(hub.app().store.exists(&StorageKey::pack(&hash, nonce)).await.unwrap());
    assert_sound(&hub).await;
    hub.stop().await;
}
