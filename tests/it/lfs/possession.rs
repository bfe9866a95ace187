//! Knowing a hash opens nothing: neither to read an object, nor to get it into a repository of one's own.

use hub::accounts::TokenRole;

use super::{Large, batch, download, entry, follow, hubs, upload, verify};

#[tokio::test]
async fn a_stranger_cannot_read_or_claim_an_object_by_its_hash() {
    for hub in hubs().await {
        let _admin = hub.user("boss").await;
        let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
        ada.create_repo("model", "ada/secret", true).await;
        eve.create_repo("model", "eve/mine", false).await;
        let file = Large::of(1000, 1);
        upload(&ada, "ada/secret", &file).await;
        batch(&eve, "ada/secret", "download", &[&file], 404).await;
        batch(&hub.anonymous(), "ada/secret", "download", &[&file], 401).await;
        assert_eq!(entry(&eve, "eve/mine", "download", &file).await["error"]["code"], 404);
        let claim = entry(&eve, "eve/mine", "upload", &file).await;
        assert!(claim["actions"]["upload"].is_object(), "the bytes must be sent, though the hub has them");
        assert_eq!(verify(&claim).await.status(), 404, "verifying alone gives nothing");
        let lie = Large::of(1000, 2);
        let sent = follow(&claim, &lie.bytes).await;
        assert!(!sent.status().is_success() || verify(&claim).await.status() == 422);
        assert_eq!(entry(&eve, "eve/mine", "download", &file).await["error"]["code"], 404);
        assert!(download(&ada, "ada/secret", &file).await == file.bytes, "the lie harmed nobody");
        assert!(follow(&claim, &file.bytes).await.status().is_success());
        assert_eq!(verify(&claim).await.status(), 200);
        assert!(download(&eve, "eve/mine", &file).await == file.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn what_the_uploader_can_read_elsewhere_needs_no_bytes() {
    for hub in hubs().await {
        let _admin = hub.user("boss").await;
        let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
        ada.create_repo("model", "ada/open", false).await;
        ada.create_repo("model", "ada/secret", true).await;
        ada.create_repo("model", "ada/copy", true).await;
        eve.create_repo("dataset", "eve/mine", false).await;
        let (open, secret) = (Large::of(1000, 1), Large::of(1000, 2));
        upload(&ada, "ada/open", &open).await;
        upload(&ada, "ada/secret", &secret).await;
        let reply = batch(&eve, "datasets/eve/mine", "upload", &[&open, &secret], 200).await;
        assert!(reply["objects"][0]["actions"].is_null(), "public");
        assert!(reply["objects"][1]["actions"].is_object(), "not for her eyes");
        assert!(download(&eve, "datasets/eve/mine", &open).await == open.bytes);
        let reply = batch(&ada, "ada/copy", "upload", &[&open, &secret], 200).await;
        assert!(reply["objects"].as_array().expect("a list").iter().all(|object| object["actions"].is_null()));
        assert!(download(&ada, "ada/copy", &secret).await == secret.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn gated_files_are_neither_given_nor_claimed() {
    let hub = hub_tests::TestHub::start().await;
    let _admin = hub.user("boss").await;
    let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
    ada.create_repo("model", "ada/gated", false).await;
    eve.create_repo("model", "eve/mine", false).await;
    let file = Large::of(1000, 1);
    upload(&ada, "ada/gated", &file).await;
    ada.call(reqwest::Method::PUT, "/api/models/ada/gated/settings", &hub_tests::json!({ "gated": "auto" }), 200).await;
    batch(&eve, "ada/gated", "download", &[&file], 403).await;
    assert!(entry(&eve, "eve/mine", "upload", &file).await["actions"].is_object());
    assert!(download(&ada, "ada/gated", &file).await == file.bytes);
    hub.stop().await;
}

#[tokio::test]
async fn who_may_ask_what() {
    let hub = hub_tests::TestHub::start().await;
    let _admin = hub.user("boss").await;
    let (ada, eve) = (hub.account("ada").await, hub.user("eve").await);
    let (writer, reader) = (hub.token(&ada, TokenRole::Write).await, hub.token(&ada, TokenRole::Read).await);
    writer.create_repo("model", "ada/open", false).await;
    writer.create_repo("model", "ada/private", true).await;
    let file = Large::of(10, 1);
    let anonymous = hub.anonymous();
    // (who, upload to public, download from public, upload to private, download from private)
    let table = [
        (&anonymous, 401, 200, 401, 401),
        (&eve, 403, 200, 404, 404),
        (&reader, 403, 200, 403, 200),
        (&writer, 200, 200, 200, 200),
    ];
    for (who, up_open, down_open, up_private, down_private) in table {
        batch(who, "ada/open", "upload", &[&file], up_open).await;
        batch(who, "ada/open", "download", &[&file], down_open).await;
        batch(who, "ada/private", "upload", &[&file], up_private).await;
        batch(who, "ada/private", "download", &[&file], down_private).await;
        batch(who, "ada/missing", "download", &[&file], if who.token().is_empty() { 401 } else { 404 }).await;
    }
    let refused = anonymous.request(reqwest::Method::POST, "/ada/private.git/info/lfs/objects/batch");
    let refused = anonymous.send(refused.body(r#"{"operation":"download","objects":[]}"#), 401).await;
    assert!(refused.headers()["lfs-authenticate"].to_str().expect("text").starts_with("Basic"));
    hub.stop().await;
}
