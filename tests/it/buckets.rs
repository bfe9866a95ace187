//! Buckets over real HTTP.

mod batch;
mod permissions;
mod possession;
mod tree;

use hub::repos::queries::find_repo;
use hub_tests::{Client, TestHub, Value, json};
use hub_types::{RepoType, Sha256};
use reqwest::Method;

use crate::lfs::{Large, upload};

/// A hub on which `ada` has the public bucket `ada/data` and the model `ada/src`, whose large files can be copied.
struct Filled {
    hub: TestHub,
    ada: Client,
    files: Vec<Large>,
    hashes: Vec<String>,
}

const API: &str = "/api/buckets/ada/data";
/// The hash of a file without bytes.
const EMPTY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Filled {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut hub::config::Config)) -> Self {
        let hub = TestHub::start_with(change).await;
        let _boss = hub.user("boss").await;
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/src", true).await;
        ada.post_json(API, &json!({}), 200).await;
        let files = vec![Large::of(1000, 1), Large::of(5000, 2), Large::of(200_000, 3)];
        for file in &files {
            upload(&ada, "ada/src", file).await;
        }
        hub.jobs_done().await;
        let mut hashes = Vec::new();
        for file in &files {
            hashes.push(file_hash(&hub, "ada", "src", &file.oid).await);
        }
        Self { hub, ada, files, hashes }
    }

    /// The line that copies a large file from the model.
    fn copy(&self, path: &str, which: usize) -> Value {
        copy(path, &self.hashes[which], "model", "ada/src")
    }

    /// Copies files from the model into the bucket.
    async fn fill(&self, paths: &[(&str, usize)]) {
        let lines: Vec<Value> = paths.iter().map(|(path, which)| self.copy(path, *which)).collect();
        batch(&self.ada, API, &lines, 200).await;
    }

    /// All paths in the bucket.
    async fn paths(&self) -> Vec<String> {
        members(&self.ada.get_json(&format!("{API}/tree?recursive=true"), 200).await, "path")
    }

    async fn stop(self) {
        self.hub.stop().await;
    }
}

/// The hash of a model's large file once it is in chunks.
pub(crate) async fn file_hash(hub: &TestHub, namespace: &str, name: &str, oid: &str) -> String {
    let pool = &hub.app().pool;
    let repo = find_repo(pool, RepoType::Model, namespace, name).await.unwrap().unwrap();
    let oid: Sha256 = oid.parse().unwrap();
    let held = hub::objects::list_held(pool, repo.pk, &[oid]).await.unwrap();
    held[&oid].file_hash.expect("the file is in chunks").to_hex()
}

fn add(path: &str, hash: &str) -> Value {
    json!({ "type": "addFile", "path": path, "xetHash": hash, "mtime": 1_790_000_000_123_i64, "contentType": "text/plain" })
}

pub(crate) fn copy(path: &str, hash: &str, source_type: &str, source: &str) -> Value {
    json!({ "type": "copyFile", "path": path, "xetHash": hash, "sourceRepoType": source_type, "sourceRepoId": source })
}

pub(crate) fn delete(path: &str) -> Value {
    json!({ "type": "deleteFile", "path": path })
}

pub(crate) async fn batch(client: &Client, api: &str, lines: &[Value], status: u16) -> Value {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = client.request(Method::POST, &format!("{api}/batch")).header("Content-Type", "application/x-ndjson");
    client.send(request.body(body), status).await.json().await.expect("the answer is JSON")
}

fn members(rows: &Value, member: &str) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row[member].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_bucket_is_made_listed_moved_and_deleted() {
    let hub = TestHub::start().await;
    let (ada, eve) = (hub.user("ada").await, hub.user("eve").await);
    let made = ada.post_json("/api/buckets/me/One", &json!({ "visibility": "private" }), 200).await;
    assert_eq!(made["url"], ada.url("/buckets/ada/One"));
    let again = ada.post_json("/api/buckets/ada/one", &json!({}), 409).await;
    assert_eq!(again["url"], made["url"], "`exist_ok` reads it");
    eve.post_json("/api/buckets/ada/x", &json!({}), 403).await;
    hub.anonymous().post_json("/api/buckets/me/x", &json!({}), 401).await;
    for name in ["a..b", "x.git", "%00", "a%2Fb"] {
        ada.post_json(&format!("/api/buckets/me/{name}"), &json!({}), 400).await;
    }
    ada.post_json("/api/buckets/me/bad", &json!({ "visibility": "secret" }), 400).await;
    ada.post_json("/api/repos/create", &json!({ "type": "bucket", "name": "x" }), 400).await;
    for number in 0..3 {
        ada.post_json(&format!("/api/buckets/me/two-{number}"), &json!({ "private": false }), 200).await;
    }
    let info = ada.get_json("/api/buckets/ADA/one", 200).await;
    assert_eq!(
        (&info["id"], &info["private"], &info["size"], &info["totalFiles"]),
        (&json!("ada/One"), &json!(true), &json!(0), &json!(0))
    );
    assert!(info["createdAt"].as_str().unwrap().ends_with('Z'));

    let first = ada.get("/api/buckets/me?limit=2&search=two", 200).await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    assert_eq!(members(&first.json().await.unwrap(), "id"), ["ada/two-2", "ada/two-1"]);
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
    let second = ada.get_url(next).await;
    assert!(second.headers().get("link").is_none());
    assert_eq!(members(&second.json().await.unwrap(), "id"), ["ada/two-0"]);
    assert_eq!(members(&eve.get_json("/api/buckets/ada", 200).await, "id").len(), 3, "not the private one");
    hub.anonymous().get("/api/buckets/me", 401).await;

    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/One", "toRepo": "ada/Moved", "type": "bucket" }), 200).await;
    assert_eq!(ada.get("/api/buckets/ada/One", 307).await.headers()["location"], "/api/buckets/ada/Moved");
    assert_eq!(ada.get("/buckets/ada/One/resolve/x", 307).await.headers()["location"], "/buckets/ada/Moved/resolve/x");
    batch(&ada, "/api/buckets/ada/One", &[add("by-the-old-name", EMPTY)], 200).await;
    ada.call(Method::PUT, "/api/buckets/ada/Moved/settings", &json!({ "private": false }), 200).await;
    assert_eq!(eve.get_json("/api/buckets/ada/Moved", 200).await["totalFiles"], 1);
    ada.call(Method::DELETE, "/api/buckets/ada/Moved", &json!({}), 200).await;
    let gone = ada.get("/api/buckets/ada/Moved", 404).await;
    assert_eq!(gone.headers()["x-error-code"], "RepoNotFound");
    hub.stop().await;
}

#[tokio::test]
async fn buckets_are_never_taken_for_git_repositories() {
    let full = Filled::start().await;
    full.fill(&[("README.md", 0)]).await;
    let ada = &full.ada;
    for path in [
        "/api/models/ada/data",
        "/api/datasets/ada/data",
        "/ada/data",
        "/ada/data/resolve/main/README.md",
        "/buckets/ada/data.git/info/refs?service=git-upload-pack",
        "/buckets/ada/data/info/refs?service=git-upload-pack",
        "/ada/data.git/info/refs?service=git-upload-pack",
        "/api/buckets/ada/data/revision/main",
        "/api/buckets/ada/data/refs",
        "/buckets/ada/data/commits/main",
        "/buckets/ada/data/blob/main/README.md",
    ] {
        ada.get(path, 404).await;
    }
    // Of Git LFS there is what browsers need to send files, and no more.
    let lfs = |operation: &str| json!({ "operation": operation, "objects": [] });
    ada.post_json("/buckets/ada/data.git/info/lfs/objects/batch", &lfs("upload"), 200).await;
    ada.post_json("/buckets/ada/data.git/info/lfs/objects/batch", &lfs("download"), 422).await;
    ada.post_json("/buckets/ada/data.git/info/lfs/locks/verify", &json!({}), 404).await;
    ada.post_json("/api/buckets/ada/data/commit/main", &json!({}), 404).await;
    // Names that are words of routes elsewhere.
    for name in ["resolve", "tree", "settings", "batch", "raw"] {
        ada.post_json(&format!("/api/buckets/ada/{name}"), &json!({}), 200).await;
        batch(ada, &format!("/api/buckets/ada/{name}"), &[full.copy("resolve/main/raw/x", 0)], 200).await;
        assert_eq!(ada.get_json(&format!("/api/buckets/ada/{name}"), 200).await["totalFiles"], 1);
        let bytes = ada.get(&format!("/buckets/ada/{name}/resolve/resolve/main/raw/x"), 200).await.bytes().await.unwrap();
        assert!(bytes == full.files[0].bytes);
    }
    full.stop().await;
}

#[tokio::test]
async fn fsck_looks_into_buckets() {
    use hub::admin::fsck::{Depth, check};
    let full = Filled::start().await;
    full.fill(&[("a", 0), ("b/c", 1), ("b/d", 2)]).await;
    batch(&full.ada, API, &[add("empty", EMPTY), delete("a")], 200).await;
    let which = Some("buckets/ada/data");
    let mut told = Vec::new();
    let tally = check(full.hub.app(), which, Depth::Bytes, |line| told.push(line)).await.unwrap();
    assert_eq!((tally.repos, told.len()), (1, 0), "{told:?}");
    let store = full.hub.app().config.data_dir.join("store");
    for folder in ["lfs", "xorbs"] {
        std::fs::remove_dir_all(store.join(folder)).unwrap();
    }
    check(full.hub.app(), which, Depth::Sizes, |line| told.push(line)).await.unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("buckets/ada/data: large file `b/c`"), "{told:?}");
    full.stop().await;
}

#[tokio::test]
async fn a_bucket_whose_row_goes_takes_its_files_along() {
    let full = Filled::start().await;
    full.fill(&[("a", 0), ("b", 0)]).await;
    let pool = &full.hub.app().pool;
    let taken =
        sqlx::query("delete from repo_lfs_objects l using repos r where r.repo_pk = l.repo_pk and r.repo_type = 'bucket'");
    assert!(taken.execute(pool).await.is_err(), "what a file is cannot be taken away");
    sqlx::query("delete from repos where repo_type = 'bucket'").execute(pool).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from bucket_files").fetch_one(pool).await.unwrap();
    assert_eq!(left, 0);
    full.stop().await;
}
