//! Git LFS over real HTTP, on a local store and on each service that the environment names (docs/storage.md).

mod batch;
mod downloads;
mod git_lfs;
mod links;
mod locks;
mod possession;
mod uploads;

use hub::config::Config;
use hub_tests::{Client, TestHub, Value, json};
use reqwest::Method;
use sha2::{Digest as _, Sha256};

/// The smallest size of a part that S3 takes.
const PART: usize = 5 * 1024 * 1024;

/// Hubs to run a test on: one for each kind of store there is.
pub(crate) async fn hubs() -> Vec<TestHub> {
    let small_parts = |config: &mut Config| {
        config.lfs_multipart_above_bytes = PART as u64;
        config.lfs_part_bytes = PART as u64;
    };
    let mut hubs = vec![TestHub::start_with(small_parts).await];
    for store in hub_tests::services() {
        let elsewhere = |config: &mut Config| {
            small_parts(config);
            config.store = store;
        };
        hubs.push(TestHub::start_with(elsewhere).await);
    }
    hubs
}

/// A file to upload.
#[derive(Clone)]
pub(crate) struct Large {
    pub(crate) bytes: Vec<u8>,
    pub(crate) oid: String,
}

impl Large {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let oid = hex::encode(Sha256::digest(&bytes));
        Self { bytes, oid }
    }

    /// Some bytes that differ by seed.
    pub(crate) fn of(size: usize, seed: u32) -> Self {
        Self::new((0..size as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8 ^ seed as u8).collect::<Vec<_>>())
    }

    fn object(&self) -> Value {
        json!({ "oid": self.oid, "size": self.bytes.len() })
    }
}

/// Asks the batch endpoint as Python's client does.
async fn batch(client: &Client, repo: &str, operation: &str, files: &[&Large], status: u16) -> Value {
    let objects: Vec<Value> = files.iter().map(|file| file.object()).collect();
    let body = json!({
        "operation": operation, "transfers": ["basic", "multipart"], "hash_algo": "sha256",
        "ref": { "name": "main" }, "objects": objects,
    });
    client.post_json(&format!("/{repo}.git/info/lfs/objects/batch"), &body, status).await
}

/// The entry of the only object of a batch.
pub(crate) async fn entry(client: &Client, repo: &str, operation: &str, file: &Large) -> Value {
    batch(client, repo, operation, &[file], 200).await["objects"][0].clone()
}

/// Sends without credentials, as clients do.
async fn send(method: Method, url: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    reqwest::Client::new().request(method, url).body(body).send().await.expect("the other side answers")
}

async fn post(url: &str, body: &Value) -> reqwest::Response {
    send(Method::POST, url, body.to_string()).await
}

/// Does what an entry's upload action says; gives the last answer before `verify`, or the first refusal.
pub(crate) async fn follow(entry: &Value, bytes: &[u8]) -> reqwest::Response {
    let upload = &entry["actions"]["upload"];
    let href = upload["href"].as_str().expect("an upload has an address");
    let Some(chunk) = upload["header"]["chunk_size"].as_str() else {
        return send(Method::PUT, href, bytes.to_vec()).await;
    };
    let chunk: usize = chunk.parse().expect("a decimal string");
    let urls: Vec<_> = upload["header"].as_object().expect("an object").iter().filter(|(key, _)| *key != "chunk_size").collect();
    assert_eq!(urls.len(), bytes.len().div_ceil(chunk), "exactly as many parts as needed");
    let mut parts = Vec::new();
    for (index, (number, url)) in urls.into_iter().enumerate() {
        assert_eq!(number.parse::<usize>().expect("a number"), index + 1, "numbers sort as text");
        let part = bytes[index * chunk..bytes.len().min((index + 1) * chunk)].to_vec();
        let sent = send(Method::PUT, url.as_str().expect("an address"), part).await;
        if !sent.status().is_success() {
            return sent;
        }
        let etag = sent.headers()["etag"].to_str().expect("text").to_owned();
        parts.push(json!({ "partNumber": index + 1, "etag": etag }));
    }
    post(href, &json!({ "oid": entry["oid"], "parts": parts })).await
}

async fn verify(entry: &Value) -> reqwest::Response {
    let href = entry["actions"]["verify"]["href"].as_str().expect("there is a verify action");
    post(href, &json!({ "oid": entry["oid"], "size": entry["size"] })).await
}

/// Uploads a file as a well-behaved client.
pub(crate) async fn upload(client: &Client, repo: &str, file: &Large) {
    let entry = entry(client, repo, "upload", file).await;
    if entry["actions"].is_null() {
        return;
    }
    let sent = follow(&entry, &file.bytes).await;
    assert!(sent.status().is_success(), "{} {}", sent.status(), sent.text().await.unwrap_or_default());
    assert_eq!(verify(&entry).await.status(), 200);
}

/// Downloads a file as git-lfs does.
pub(crate) async fn download(client: &Client, repo: &str, file: &Large) -> Vec<u8> {
    let entry = entry(client, repo, "download", file).await;
    let href = entry["actions"]["download"]["href"].as_str().unwrap_or_else(|| panic!("no download in {entry}"));
    let response = send(Method::GET, href, "").await;
    assert_eq!(response.status(), 200);
    response.bytes().await.expect("the bytes come").to_vec()
}
