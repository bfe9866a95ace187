//! Knowing a hash gives nothing, and what was deleted is gone.

use hub::accounts::Viewer;
use hub_tests::{Client, json};

use super::{API, Filled, add, batch, copy, delete};
use crate::lfs::upload;

/// Whether a reader of a bucket may learn where the chunks of a file lie.
async fn opens(client: &Client, bucket: &str, hash: &str) -> bool {
    let token = client.get_json(&format!("/api/buckets/{bucket}/xet-read-token"), 200).await;
    let url = client.url(&format!("/xet/v1/reconstructions/{hash}"));
    let request = reqwest::Client::new().get(url).bearer_auth(token["accessToken"].as_str().unwrap());
    request.send().await.unwrap().status() == 200
}

#[tokio::test]
async fn a_hash_alone_puts_nothing_into_a_bucket() {
    let full = Filled::start().await;
    let eve = full.hub.user("eve").await;
    eve.post_json("/api/buckets/eve/mine", &json!({}), 200).await;
    let hash = &full.hashes[0];
    let unknown = "1".repeat(64);
    for line in [
        add("x", hash),
        add("x", &unknown),
        copy("x", hash, "model", "ada/src"),
        copy("x", hash, "model", "ada/nothing"),
        copy("x", hash, "bucket", "ada/data"),
        copy("x", hash, "bucket", "eve/mine"),
        copy("x", hash, "model", "not-an-id"),
    ] {
        let refused = batch(&eve, "/api/buckets/eve/mine", std::slice::from_ref(&line), 422).await;
        assert_eq!(
            (&refused["success"], &refused["succeeded"], &refused["failed"][0]["path"]),
            (&json!(false), &json!(0), &json!("x")),
            "{line}"
        );
    }
    let of_private = batch(&eve, "/api/buckets/eve/mine", &[copy("x", hash, "model", "ada/src")], 422).await;
    let of_nothing = batch(&eve, "/api/buckets/eve/mine", &[copy("x", hash, "model", "ada/not")], 422).await;
    let text = |answer: &hub_tests::Value| answer["failed"][0]["error"].as_str().unwrap().replace("ada/src", "ada/not");
    assert_eq!(text(&of_private), text(&of_nothing), "a private repository looks as one that is not there");
    assert!(!opens(&eve, "eve/mine", hash).await);
    // Public buckets share what is in them.
    full.fill(&[("w", 0)]).await;
    batch(&eve, "/api/buckets/eve/mine", &[copy("x", hash, "bucket", "ada/data")], 200).await;
    assert!(eve.get("/buckets/eve/mine/resolve/x", 200).await.bytes().await.unwrap() == full.files[0].bytes);
    assert!(opens(&eve, "eve/mine", hash).await);
    full.stop().await;
}

#[tokio::test]
async fn what_was_deleted_opens_no_more() {
    let full = Filled::start().await;
    let eve = full.hub.user("eve").await;
    eve.post_json("/api/buckets/eve/mine", &json!({}), 200).await;
    eve.create_repo("model", "eve/model", false).await;
    full.fill(&[("w", 0), ("v", 1)]).await;
    assert!(opens(&eve, "ada/data", &full.hashes[0]).await);
    batch(&full.ada, API, &[delete("w")], 200).await;
    eve.get("/buckets/ada/data/resolve/w", 404).await;
    assert!(!opens(&eve, "ada/data", &full.hashes[0]).await, "though its bytes are not collected yet");
    assert!(opens(&eve, "ada/data", &full.hashes[1]).await);
    batch(&eve, "/api/buckets/eve/mine", &[copy("x", &full.hashes[0], "bucket", "ada/data")], 422).await;
    // Nor is an upload by LFS spared for it, which would say that the file was there.
    let body = json!({ "operation": "upload", "transfers": ["basic"], "objects": [{ "oid": full.files[0].oid, "size": 1000 }] });
    let answer = eve.post_json("/eve/model.git/info/lfs/objects/batch", &body, 200).await;
    assert!(answer["objects"][0]["actions"]["upload"].is_object(), "{answer}");
    // Its writer can put it back.
    batch(&full.ada, API, &[add("again", &full.hashes[0])], 200).await;
    assert!(opens(&eve, "ada/data", &full.hashes[0]).await);
    full.stop().await;
}

#[tokio::test]
async fn what_a_bucket_refers_to_can_be_asked() {
    use hub::repos::{access::find_readable, buckets::list_oids};
    let full = Filled::start().await;
    full.fill(&[("a", 0), ("b", 0), ("c", 1), ("d", 2)]).await;
    batch(&full.ada, API, &[delete("d"), add("empty", super::EMPTY)], 200).await;
    let app = full.hub.app();
    let bucket = find_readable(app, &Viewer::ANONYMOUS, hub_types::RepoType::Bucket, "ada", "data").await.unwrap();
    let mut expected = [full.files[0].oid.clone(), full.files[1].oid.clone()];
    expected.sort();
    let all = list_oids(&app.pool, bucket.repo.pk, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|oid| oid.to_hex()).collect::<Vec<_>>(), expected);
    let rest = list_oids(&app.pool, bucket.repo.pk, Some(all[0]), 10).await.unwrap();
    assert_eq!(rest, all[1..]);
    // The model still has them all for others.
    upload(&full.ada, "ada/src", &full.files[2]).await;
    full.stop().await;
}
