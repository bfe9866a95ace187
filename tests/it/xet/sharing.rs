//! Copies of large files from one repository to another: no bytes move, and nobody gets what they could not download.

use hub::accounts::TokenRole;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;

use super::client::{Packed, commit, random};
use super::{hubs, start};

/// Asks for files of `source` to be in `target`, as a client does before it commits copies.
async fn share(client: &Client, source: &str, target: &str, files: &[&Packed], status: u16) -> Value {
    let file = |packed: &&Packed| json!({ "xetHash": packed.entry.hash, "sha256": packed.file.oid, "filename": "w.bin" });
    let files: Vec<Value> = files.iter().map(file).collect();
    let body = json!({ "target": { "type": "model", "name": target }, "files": files });
    client.post_json(&format!("/api/models/{source}/lfs-files/duplicate"), &body, status).await
}

async fn kept(hub: &TestHub) -> [i64; 3] {
    [hub.count("xet_xorbs").await, hub.count("xet_files").await, hub.count("lfs_objects").await]
}

#[tokio::test]
async fn a_copy_stores_nothing_twice() {
    for (hub, ada) in hubs().await {
        ada.create_repo("model", "ada/secret", true).await;
        let packed = Packed::new(random(300_000, 1), 3);
        packed.upload(&ada, "ada/secret", "w.bin").await;
        let before = kept(&hub).await;
        commit(&ada, "ada/bert", "copy.bin", &packed.file, 422).await;
        assert_eq!(share(&ada, "ada/secret", "ada/bert", &[&packed], 200).await, json!({ "failed": [] }));
        commit(&ada, "ada/bert", "copy.bin", &packed.file, 200).await;
        assert!(crate::lfs::download(&hub.anonymous(), "ada/bert", &packed.file).await == packed.file.bytes);
        assert_eq!(kept(&hub).await, before);
        hub.stop().await;
    }
}

#[tokio::test]
async fn only_what_the_source_has_is_shared() {
    let (hub, ada) = start().await;
    ada.create_repo("model", "ada/other", true).await;
    ada.create_repo("model", "ada/target", true).await;
    let [here, elsewhere] = [1, 2].map(|seed| Packed::new(random(200_000, seed), 3));
    here.upload(&ada, "ada/bert", "w.bin").await;
    elsewhere.upload(&ada, "ada/other", "w.bin").await;
    let mut mixed = here.clone();
    mixed.file = elsewhere.file.clone();
    let answer = share(&ada, "ada/bert", "ada/target", &[&here, &elsewhere, &mixed], 200).await;
    let failed: Vec<&Value> = answer["failed"].as_array().expect("a list").iter().map(|file| &file["sha256"]).collect();
    assert_eq!(failed, [&json!(elsewhere.file.oid), &json!(elsewhere.file.oid)]);
    commit(&ada, "ada/target", "w.bin", &here.file, 200).await;
    commit(&ada, "ada/target", "v.bin", &elsewhere.file, 422).await;
    hub.stop().await;
}

#[tokio::test]
async fn who_may_not_read_the_source_or_write_the_target_shares_nothing() {
    let (hub, ada) = start().await;
    let eve = hub.account("eve").await;
    let (reads, eve) = (hub.token(&eve, TokenRole::Read).await, hub.token(&eve, TokenRole::Write).await);
    eve.create_repo("model", "eve/mine", false).await;
    ada.create_repo("model", "ada/secret", true).await;
    let packed = Packed::new(random(200_000, 3), 3);
    packed.upload(&ada, "ada/secret", "w.bin").await;
    let files = [&packed];
    share(&eve, "ada/secret", "eve/mine", &files, 404).await;
    share(&hub.anonymous(), "ada/secret", "eve/mine", &files, 401).await;
    share(&ada, "ada/secret", "eve/mine", &files, 403).await;
    share(&ada, "ada/secret", "eve/nowhere", &files, 404).await;
    let settings = async |body: Value| ada.call(Method::PUT, "/api/models/ada/secret/settings", &body, 200).await;
    settings(json!({ "private": false, "gated": "auto" })).await;
    share(&eve, "ada/secret", "eve/mine", &files, 403).await;
    settings(json!({ "gated": false })).await;
    share(&reads, "ada/secret", "eve/mine", &files, 403).await;
    commit(&eve, "eve/mine", "w.bin", &packed.file, 422).await;
    share(&eve, "ada/secret", "eve/mine", &files, 200).await;
    commit(&eve, "eve/mine", "w.bin", &packed.file, 200).await;
    hub.stop().await;
}
