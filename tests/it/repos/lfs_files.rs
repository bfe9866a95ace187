use hub_tests::{Client, TestHub, Value, json};
use hub_types::Sha256;
use reqwest::Method;
use sha2::Digest as _;

const API: &str = "/api/models/ada/bert";

/// Uploads a large file and commits it; gives its SHA-256.
async fn upload(ada: &Client, path: &str, content: &[u8]) -> String {
    let oid = Sha256::from_bytes(sha2::Sha256::digest(content).into()).to_hex();
    let body = json!({
        "operation": "upload", "transfers": ["basic"], "hash_algo": "sha256",
        "objects": [{ "oid": oid, "size": content.len() }],
    });
    let batch = ada.post_json("/ada/bert.git/info/lfs/objects/batch", &body, 200).await;
    let href = batch["objects"][0]["actions"]["upload"]["href"].as_str().unwrap();
    let put = reqwest::Client::new().put(href).body(content.to_vec()).send().await.unwrap();
    assert!(put.status().is_success());
    let line = json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": oid, "size": content.len() } });
    ada.commit(API, "main", &[line], 200).await;
    oid
}

async fn start() -> (TestHub, Client) {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada)
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["filename"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn stored_files_are_listed_with_where_they_are() {
    let (hub, ada) = start().await;
    let oid = upload(&ada, "d/old.bin", b"old").await;
    upload(&ada, "new.bin", b"new!").await;
    ada.commit(API, "main", &[json!({ "key": "deletedFile", "value": { "path": "d/old.bin" } })], 200).await;
    let rows = ada.get_json(&format!("{API}/lfs-files"), 200).await;
    assert_eq!(names(&rows), ["new.bin", "d/old.bin"]);
    assert_eq!((&rows[0]["ref"], &rows[0]["size"]), (&json!("refs/heads/main"), &json!(4)));
    assert_eq!((&rows[1]["oid"], rows[1].get("ref")), (&json!(oid), None));
    assert_eq!(rows[1]["fileOid"].as_str().unwrap().len(), 40);
    assert!(rows[1]["pushedAt"].as_str().unwrap().ends_with('Z'));
    let first = ada.get(&format!("{API}/lfs-files?limit=1"), 200).await;
    assert_eq!(first.headers()["link"], format!("<{}>; rel=\"next\"", ada.url(&format!("{API}/lfs-files?limit=1&cursor=1"))));
    assert_eq!(names(&ada.get_json(&format!("{API}/lfs-files?limit=1&cursor=1"), 200).await), ["d/old.bin"]);
    hub.user("eve").await.get(&format!("{API}/lfs-files"), 403).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_deleted_file_vanishes_from_every_ref() {
    let (hub, ada) = start().await;
    upload(&ada, "w.bin", b"weights").await;
    let kept = upload(&ada, "keep.bin", b"keep").await;
    ada.post_json(&format!("{API}/tag/main"), &json!({ "tag": "v1", "message": "with both" }), 200).await;
    ada.commit(API, "main", &[Client::file("README.md", "# hi")], 200).await;
    let rows = ada.get_json(&format!("{API}/lfs-files"), 200).await;
    let doomed = rows.as_array().unwrap().iter().find(|row| row["filename"] == "w.bin").unwrap().clone();
    let body = json!({ "deletions": { "sha": [doomed["fileOid"]], "rewriteHistory": true } });
    ada.post_json(&format!("{API}/lfs-files/batch"), &body, 200).await;
    for revision in ["main", "v1"] {
        let response = ada.get(&format!("/ada/bert/resolve/{revision}/w.bin"), 404).await;
        assert_eq!(response.headers()["x-error-code"], "EntryNotFound");
        assert_eq!(ada.get(&format!("/ada/bert/resolve/{revision}/keep.bin"), 200).await.bytes().await.unwrap(), "keep");
    }
    assert_eq!(names(&ada.get_json(&format!("{API}/lfs-files"), 200).await), ["keep.bin"]);
    assert_eq!(ada.get_json(&format!("{API}/commits/main"), 200).await.as_array().unwrap().len(), 4);
    let tree = ada.get_json(&format!("{API}/tree/main"), 200).await;
    assert!(!tree.to_string().contains("w.bin"));
    let one = format!("{API}/lfs-files/{kept}?rewriteHistory=true");
    ada.call(Method::DELETE, &one, &json!({}), 200).await;
    ada.call(Method::DELETE, &one, &json!({}), 404).await;
    assert_eq!(ada.get_json(&format!("{API}/lfs-files"), 200).await, json!([]));
    hub.stop().await;
}

#[tokio::test]
async fn only_writers_delete() {
    let (hub, ada) = start().await;
    let oid = upload(&ada, "w.bin", b"weights").await;
    let body = json!({ "deletions": { "sha": [oid], "rewriteHistory": true } });
    hub.user("eve").await.post_json(&format!("{API}/lfs-files/batch"), &body, 403).await;
    hub.anonymous().post_json(&format!("{API}/lfs-files/batch"), &body, 401).await;
    let nothing = json!({ "deletions": { "sha": ["0".repeat(40)], "rewriteHistory": true } });
    ada.post_json(&format!("{API}/lfs-files/batch"), &nothing, 404).await;
    assert_eq!(names(&ada.get_json(&format!("{API}/lfs-files"), 200).await), ["w.bin"]);
    hub.stop().await;
}
