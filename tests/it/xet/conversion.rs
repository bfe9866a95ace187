//! What came whole is put in chunks in the background.

use hub_tests::{Client, TestHub};

use super::client::{Packed, assemble, commit, random, read_token, reconstruction, send_shard, write_token};
use super::hubs;
use crate::lfs::{download, upload};

async fn xet_hash(client: &Client, path: &str) -> Option<String> {
    let head = client.head(&format!("/ada/bert/resolve/main/{path}"), 200).await;
    head.headers().get("x-xet-hash").map(|value| value.to_str().expect("text").to_owned())
}

/// How many bytes of chunks the hub keeps, before compression.
async fn raw_bytes(hub: &TestHub) -> i64 {
    sqlx::query_scalar("select coalesce(sum(raw_bytes), 0)::bigint from xet_xorbs")
        .fetch_one(&hub.app().pool)
        .await
        .expect("a sum")
}

#[tokio::test]
async fn a_file_that_came_whole_is_put_in_chunks() {
    for (hub, ada) in hubs().await {
        let text = b"what is said again and again compresses. ".repeat(10_000);
        let packed = Packed::new([random(1_500_000, 1), text].concat(), 8192);
        upload(&ada, "ada/bert", &packed.file).await;
        hub.jobs_done().await;
        commit(&ada, "ada/bert", "w.bin", &packed.file, 200).await;
        assert_eq!(xet_hash(&ada, "w.bin").await, Some(packed.entry.hash.to_hex()), "cut as clients cut it");
        let answer = reconstruction(&read_token(&ada, "ada/bert").await, 2, &packed.entry.hash, "", 200).await;
        assert!(assemble(&answer, packed.file.bytes.len()).await == packed.file.bytes);
        assert!(download(&ada, "ada/bert", &packed.file).await == packed.file.bytes);

        // Whoever sends it by Xet now sends nothing.
        let cas = write_token(&ada, "ada/bert").await;
        for xorb in &packed.xorbs {
            assert!(xorb.is_known(&cas).await);
        }
        send_shard(&cas, packed.shard(), 200).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn only_what_is_new_in_a_whole_file_is_kept_again() {
    for (hub, ada) in hubs().await {
        let old = Packed::new(random(1_500_000, 2), 8192);
        old.upload(&ada, "ada/bert", "old.bin").await;
        let before = raw_bytes(&hub).await;
        let new = Packed::new([old.file.bytes.as_slice(), &random(100_000, 3)].concat(), 8192);
        upload(&ada, "ada/bert", &new.file).await;
        hub.jobs_done().await;
        commit(&ada, "ada/bert", "new.bin", &new.file, 200).await;
        assert_eq!(xet_hash(&ada, "new.bin").await, Some(new.entry.hash.to_hex()));
        let kept = raw_bytes(&hub).await - before;
        assert!(kept <= 100_000 + 131_072, "{kept}");
        let answer = reconstruction(&read_token(&ada, "ada/bert").await, 1, &new.entry.hash, "", 200).await;
        assert!(assemble(&answer, new.file.bytes.len()).await == new.file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_file_in_chunks_need_not_be_sent_whole() {
    for (hub, ada) in hubs().await {
        let packed = Packed::new(random(200_000, 4), 2);
        packed.upload(&ada, "ada/bert", "w.bin").await;
        let again = crate::lfs::entry(&ada, "ada/bert", "upload", &packed.file).await;
        assert!(again["actions"].is_null() && again["error"].is_null(), "{again}");
        // But of who cannot read it the bytes are wanted.
        let eve = hub.user("eve").await;
        eve.create_repo("model", "eve/mine", false).await;
        ada.call(reqwest::Method::PUT, "/api/models/ada/bert/settings", &hub_tests::json!({ "private": true }), 200).await;
        assert!(crate::lfs::entry(&eve, "eve/mine", "upload", &packed.file).await["actions"].is_object());
        upload(&eve, "eve/mine", &packed.file).await;
        assert!(download(&eve, "eve/mine", &packed.file).await == packed.file.bytes);
        assert!(download(&ada, "ada/bert", &packed.file).await == packed.file.bytes);
        hub.stop().await;
    }
}
