//! What an upload may cost the hub: memory for lists of chunks, reading back, and room for what no file names.

use std::time::Duration;

use hub::xet::LISTS_AT_ONCE;
use hub_tests::{Client, TestHub};

use super::client::{
    Packed, Xorb, assemble, commit, entry, random, read_token, reconstruction, send_body, send_shard, shard, write_token,
};
use super::{settle, start};

const FULL: &str = "The storage of ada is full";

/// A hub where ada may hold so many bytes.
async fn limited(bytes: u64) -> (TestHub, Client) {
    let hub = TestHub::start_with(|config| config.owner_storage_limit_bytes = Some(bytes)).await;
    let ada = settle(&hub).await;
    (hub, ada)
}

/// Removes the body of a xorb from the local store.
async fn lose(hub: &TestHub, xorb: &Xorb) {
    let rows = hub::xet::queries::list_xorbs(&hub.app().pool, &[xorb.hash()]).await.expect("rows");
    let key = hub_storage::StorageKey::xorb(&xorb.hash(), rows[0].nonce);
    hub.app().store.delete(&key).await.expect("deleted");
}

#[tokio::test]
async fn a_file_of_more_xorbs_than_are_looked_at_together_comes_and_goes() {
    let (hub, ada) = start().await;
    let packed = Packed::new(random(9_000_000, 1), 1);
    assert!(packed.xorbs.len() > LISTS_AT_ONCE, "{}", packed.xorbs.len());
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let len = packed.file.bytes.len();
    let cas = read_token(&ada, "ada/bert").await;
    for version in [1, 2] {
        let whole = reconstruction(&cas, version, &packed.entry.hash, "", 200).await;
        assert_eq!(whole["terms"].as_array().map(Vec::len), Some(packed.xorbs.len()));
        assert!(assemble(&whole, len).await == packed.file.bytes);
        let part = reconstruction(&cas, version, &packed.entry.hash, &format!("bytes=100000-{}", len - 70_001), 200).await;
        assert!(assemble(&part, len - 170_000).await == packed.file.bytes[100_000..len - 70_000]);
    }
    assert!(crate::lfs::download(&ada, "ada/bert", &packed.file).await == packed.file.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn lists_of_chunks_are_read_when_there_is_room_for_them() {
    let (hub, ada) = start().await;
    let (old, new) = (Packed::new(random(200_000, 2), 8192), Packed::new(random(200_000, 3), 8192));
    old.upload(&ada, "ada/bert", "w.bin").await;
    let (read, write) = (read_token(&ada, "ada/bert").await, write_token(&ada, "ada/bert").await);
    new.send_xorbs(&write).await;
    let all = hub.app().xet.room_for_lists(usize::MAX).await.expect("there is room");
    let asking = tokio::spawn(async move { reconstruction(&read, 2, &old.entry.hash, "", 200).await });
    let bytes = new.shard();
    let sending = tokio::spawn(async move { send_shard(&write, bytes, 200).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!asking.is_finished() && !sending.is_finished(), "both wait for others' lists to go");
    drop(all);
    asking.await.expect("an answer");
    sending.await.expect("an answer");
    commit(&ada, "ada/bert", "v.bin", &new.file, 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_file_that_finds_no_room_is_not_read_back() {
    let (hub, ada) = limited(10_000_000).await;
    let cas = write_token(&ada, "ada/bert").await;
    let xorb = Xorb::of(&super::client::cut(&random(1_000_000, 4)));
    xorb.send(&cas, 200).await;
    // Who read it would find it gone.
    lose(&hub, &xorb).await;
    let runs = vec![(&xorb.info, 0, xorb.info.chunk_count()); 2000];
    let said = send_shard(&cas, shard(&[entry(&runs)], &[&xorb.info]), 413).await;
    assert!(said.contains(FULL), "{said}");
    assert_eq!(hub.count("xet_files").await, 0);
    hub.stop().await;
}

#[tokio::test]
async fn a_shard_that_comes_again_is_not_read_back_again() {
    let (hub, ada) = start().await;
    let cas = write_token(&ada, "ada/bert").await;
    let packed = Packed::new(random(300_000, 5), 8192);
    packed.send_xorbs(&cas).await;
    let mut lie = packed.clone();
    lie.entry.sha256 = Packed::new(random(10, 6), 8192).entry.sha256;
    send_shard(&cas, lie.shard(), 400).await;
    // Who read it once more would find it gone.
    lose(&hub, &packed.xorbs[0]).await;
    send_shard(&cas, lie.shard(), 400).await;
    send_shard(&cas, packed.shard(), 200).await;
    // And it is whole when the chunks come once more.
    packed.send_xorbs(&cas).await;
    commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
    assert!(crate::lfs::download(&ada, "ada/bert", &packed.file).await == packed.file.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn xorbs_that_no_file_names_count_for_their_owner_once() {
    let (hub, ada) = limited(1_000_000).await;
    let cas = write_token(&ada, "ada/bert").await;
    let packed = |size: usize, seed: u64| Packed::new(random(size, seed), 8192);
    let (first, second) = (packed(600_000, 7), packed(590_000, 8));
    first.send_xorbs(&cas).await;
    let refused = second.xorbs[0].send(&cas, 413).await;
    assert!(refused["error"].as_str().is_some_and(|text| text.starts_with(FULL)), "{refused}");
    // Nor is there room when nobody says how much comes.
    let part = Ok::<_, std::io::Error>(second.xorbs[0].body.clone());
    let unannounced = reqwest::Body::wrap_stream(futures::stream::iter([part]));
    send_body(&cas, &second.xorbs[0].hash(), unannounced, 413).await;
    assert_eq!(hub.count("xet_xorbs").await, 1);
    // In another of her repositories, it is the same.
    ada.create_repo("model", "ada/other", false).await;
    second.xorbs[0].send(&write_token(&ada, "ada/other").await, 413).await;
    // Nobody learns in this way what is here: what is wrong is wrong, with room and without.
    for xorb in [&first.xorbs[0], &second.xorbs[0]] {
        let mut wrong = xorb.body.to_vec();
        wrong[1000] ^= 1;
        send_body(&cas, &xorb.hash(), wrong, 400).await;
    }
    // What is here needs no room.
    assert_eq!(first.xorbs[0].send(&cas, 200).await["was_inserted"], false);

    // Its file counts from now on, and it does not.
    send_shard(&cas, first.shard(), 200).await;
    second.xorbs[0].send(&cas, 413).await;
    let third = packed(380_000, 9);
    third.send(&cas).await;
    packed(150_000, 10).xorbs[0].send(&cas, 413).await;
    // Others have room of their own.
    let eve = hub.user("eve").await;
    eve.create_repo("model", "eve/mine", false).await;
    second.send(&write_token(&eve, "eve/mine").await).await;
    let named: i64 = sqlx::query_scalar("select count(*) from xet_xorbs where not is_pending")
        .fetch_one(&hub.app().pool)
        .await
        .expect("a count");
    assert_eq!((named, hub.count("xet_xorbs").await), (3, 3));
    hub.stop().await;
}

#[tokio::test]
async fn a_small_file_does_not_hide_a_large_xorb() {
    let (hub, ada) = limited(1_000_000).await;
    let cas = write_token(&ada, "ada/bert").await;
    let chunks = super::client::cut(&random(600_000, 13));
    let large = Xorb::of(&[vec![b"a small chunk".to_vec()], chunks].concat());
    large.send(&cas, 200).await;
    let small = entry(&[(&large.info, 0, 1)]);
    send_shard(&cas, shard(&[small], &[&large.info]), 200).await;
    let other = Packed::new(random(500_000, 14), 8192);
    other.xorbs[0].send(&cas, 413).await;
    // A file of nearly all of it counts in its place.
    let all = entry(&[(&large.info, 1, large.info.chunk_count())]);
    send_shard(&cas, shard(&[all], &[&large.info]), 200).await;
    other.xorbs[0].send(&cas, 413).await;
    Packed::new(random(380_000, 15), 8192).send(&cas).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_known_file_that_comes_in_other_xorbs_counts_once_for_each_repository() {
    let (hub, ada) = limited(1_000_000).await;
    ada.create_repo("model", "ada/other", false).await;
    let first = Packed::new(random(400_000, 16), 8192);
    first.send(&write_token(&ada, "ada/bert").await).await;
    let cas = write_token(&ada, "ada/other").await;
    let again = Packed::new(first.file.bytes.clone(), 2);
    assert_eq!(again.entry.hash, first.entry.hash);
    again.send(&cas).await;
    Packed::new(random(500_000, 17), 8192).xorbs[0].send(&cas, 413).await;
    Packed::new(random(190_000, 18), 8192).send(&cas).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_file_that_is_here_does_not_make_up_for_other_xorbs() {
    let (hub, ada) = limited(1_000_000).await;
    let cas = write_token(&ada, "ada/bert").await;
    let first = Packed::new(random(400_000, 19), 8192);
    first.send(&cas).await;
    // The same chunks in other xorbs: no file comes to lie in these, so they count until they are collected.
    Packed::new(first.file.bytes.clone(), 2).send(&cas).await;
    Packed::new(random(300_000, 20), 8192).xorbs[0].send(&cas, 413).await;
    Packed::new(random(150_000, 21), 8192).send(&cas).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_the_hub_puts_in_chunks_itself_counts_as_it_came() {
    let (hub, ada) = limited(1_000_000).await;
    let whole = crate::lfs::Large::new(random(600_000, 11));
    // Somebody began by Xet, and went on by Git LFS.
    let cas = write_token(&ada, "ada/bert").await;
    Packed::new(whole.bytes.clone(), 8192).xorbs[0].send(&cas, 200).await;
    crate::lfs::upload(&ada, "ada/bert", &whole).await;
    hub.jobs_done().await;
    assert_eq!(hub.count("xet_files").await, 1);
    Packed::new(random(300_000, 12), 8192).send(&cas).await;
    let pending: i64 =
        sqlx::query_scalar("select count(*) from xet_xorbs where is_pending").fetch_one(&hub.app().pool).await.expect("a count");
    assert_eq!(pending, 0);
    hub.stop().await;
}
