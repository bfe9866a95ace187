//! People at work on the same few repositories, a bucket, and the same contents.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hub::app::App;
use hub::repos::queries as repo_queries;
use hub_tests::{Client, Value, json};
use hub_types::{RepoType, Sha256};
use reqwest::Method;

use super::{Dice, REPOS};
use crate::gc::line;
use crate::lfs::Large;
use crate::xet::client::Packed;

/// Contents that share chunks, some of them.
pub(super) fn contents() -> Vec<Large> {
    let base = Large::of(400_000, 1).bytes;
    let mut contents: Vec<Large> = (0..10).map(|n| Large::of(20_000 + n * 25_000, n as u32)).collect();
    contents.extend((1..4).map(|n| Large::new([&base[..n * 100_000], &[n as u8; 5000][..]].concat())));
    contents
}

/// Somebody who does one thing after the other, at random.
pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) dice: Dice,
    pub(super) contents: Vec<Large>,
    pub(super) commits: u64,
    /// What all workers took back.
    pub(super) undone: Arc<AtomicU64>,
    /// The name of the copy that this worker makes, reads and deletes.
    pub(super) copy: String,
    /// The copies that all workers made and read.
    pub(super) copied: Arc<AtomicU64>,
}

impl Worker {
    /// Sends what may fail because others are at work; but the hub may not break.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
        let request = self.client.request(method, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        self.outcome(request).await
    }

    async fn outcome(&self, request: reqwest::RequestBuilder) -> Option<Value> {
        let answer = request.send().await.unwrap();
        let (status, url) = (answer.status(), answer.url().clone());
        let text = answer.text().await.unwrap();
        // 503 is what those get who wait for each other.
        assert!(!matches!(status.as_u16(), 500 | 503), "{url}: {text}");
        status.is_success().then(|| serde_json::from_str(&text).unwrap_or_default())
    }

    pub(super) async fn work(&mut self, app: &App) {
        let name = REPOS[self.dice.roll(REPOS.len() as u64)];
        let api = format!("/api/models/ada/{name}");
        match self.dice.roll(31) {
            0 | 1 => drop(self.ask(Method::POST, &format!("{api}/super-squash/main"), Some(&json!({}))).await),
            2 if self.dice.roll(3) == 0 => drop(self.ask(Method::POST, &format!("{api}/branch/side"), Some(&json!({}))).await),
            2 | 3 => drop(self.ask(Method::DELETE, &format!("{api}/branch/side"), None).await),
            4..=6 => {
                let path = self.dice.roll(3).to_string();
                self.commit(&api, &json!({ "key": "deletedFile", "value": { "path": path } })).await;
            }
            7 if name == "gone" => {
                let body = json!({ "type": "model", "organization": "ada", "name": name });
                self.ask(Method::DELETE, "/api/repos/delete", Some(&body)).await;
                if self.dice.roll(2) == 0 {
                    self.restore().await;
                }
                self.ask(Method::POST, "/api/repos/create", Some(&body)).await;
            }
            26..=28 => {
                self.undo(&api).await;
                if name == "gone" {
                    // A restoration that is undone is a deletion.
                    let body = json!({ "type": "model", "organization": "ada", "name": name });
                    self.ask(Method::POST, "/api/repos/create", Some(&body)).await;
                }
            }
            8 | 9 => {
                let oid: Sha256 = self.content().oid.parse().unwrap();
                // It may vanish while it is read.
                let _ = hub::xet::convert::convert(app, oid).await;
            }
            10 => {
                // Its packs may have been joined, or the repository deleted, meanwhile.
                if let Ok(Some(repo)) = repo_queries::find_repo(&app.pool, RepoType::Model, "ada", name).await {
                    let _ = hub::repos::repack::repack(app, &app.git, repo.pk).await;
                }
            }
            20..=22 => self.change_bucket().await,
            29 | 30 => self.copy().await,
            23 => {
                let path = format!("/ada/{name}/resolve/main/{}", self.dice.roll(3));
                self.read(&path).await;
            }
            24 => {
                let line = Client::file("news.txt", &self.dice.roll(1000).to_string());
                self.commit("/api/models/ada/kept", &line).await;
            }
            25 => {
                let kept = repo_queries::find_repo(&app.pool, RepoType::Model, "ada", "kept").await.unwrap().unwrap();
                let _ = hub::repos::repack::repack(app, &app.git, kept.pk).await;
            }
            11..=13 => {
                let content = self.content();
                self.upload(name, &content).await;
            }
            _ => {
                let content = self.content();
                self.upload(name, &content).await;
                let path = self.dice.roll(3).to_string();
                self.commit(&api, &line(&path, &content)).await;
            }
        }
    }

    /// Takes one of the last changes back, in its place or beside it, if what it needs is still there.
    async fn undo(&mut self, api: &str) {
        let Some(Value::Array(changes)) = self.ask(Method::GET, &format!("{api}/changes"), None).await else { return };
        let Some(change) = changes.get(self.dice.roll(4)) else { return };
        let body = json!({ "asNew": self.dice.roll(4) == 0 });
        let done = self.ask(Method::POST, &format!("{api}/changes/{}/undo", change["id"]), Some(&body)).await;
        self.undone.fetch_add(u64::from(done.is_some()), Ordering::Relaxed);
    }

    async fn restore(&self) {
        let Some(Value::Array(deleted)) = self.ask(Method::GET, "/api/settings/deleted-repos", None).await else { return };
        if let Some(id) = deleted.first().and_then(|row| row["_id"].as_str()) {
            let done = self.ask(Method::POST, &format!("/api/deleted-repos/{id}/restore"), Some(&json!({}))).await;
            self.undone.fetch_add(u64::from(done.is_some()), Ordering::Relaxed);
        }
    }

    /// What changes or goes while it is read may break off, but is never another file.
    async fn read(&self, path: &str) {
        let answer = self.client.request(Method::GET, path).send().await.unwrap();
        if !answer.status().is_success() {
            return;
        }
        let etag = answer.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
        if let Ok(bytes) = answer.bytes().await {
            assert_eq!(Large::new(bytes.to_vec()).oid, etag, "{path}");
        }
    }

    /// Sends a file in chunks and puts it into the bucket, or takes one out.
    async fn change_bucket(&mut self) {
        let path = format!("{}.bin", self.dice.roll(3));
        let mut line = json!({ "type": "deleteFile", "path": path });
        if self.dice.roll(3) > 0 {
            // Few contents, so that those of the repositories come to belong to nobody.
            let which = self.dice.roll(2);
            let packed = Packed::new(self.contents[which].bytes.clone(), 3);
            let Some(access) = self.ask(Method::GET, "/api/buckets/ada/box/xet-write-token", None).await else { return };
            let cas = self.client.with_token(access["accessToken"].as_str().unwrap());
            // Leases, which keep what is sent for thirty days, end at once here: it may go at any moment.
            for xorb in &packed.xorbs {
                let address = format!("/xet/v1/xorbs/default/{}", xorb.hash());
                cas.request(Method::POST, &address).body(xorb.body.clone()).send().await.unwrap();
            }
            cas.request(Method::POST, "/xet/v2/shards").body(packed.shard()).send().await.unwrap();
            line = json!({ "type": "addFile", "path": path, "xetHash": packed.entry.hash });
        }
        self.outcome(self.client.request(Method::POST, "/api/buckets/ada/box/batch").body(line.to_string())).await;
    }

    fn content(&mut self) -> Large {
        let which = self.dice.roll(self.contents.len() as u64);
        self.contents[which].clone()
    }

    async fn upload(&self, name: &str, file: &Large) {
        let objects = json!([{ "oid": file.oid, "size": file.bytes.len() }]);
        let body = json!({ "operation": "upload", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects });
        let Some(batch) = self.ask(Method::POST, &format!("/ada/{name}.git/info/lfs/objects/batch"), Some(&body)).await else {
            return;
        };
        if let Some(href) = batch["objects"][0]["actions"]["upload"]["href"].as_str() {
            self.outcome(reqwest::Client::new().put(href).body(file.bytes.clone())).await;
        }
    }

    async fn commit(&mut self, api: &str, line: &Value) {
        let body = format!("{}\n{line}", json!({ "key": "header", "value": { "summary": "storm" } }));
        let request = self.client.request(Method::POST, &format!("{api}/commit/main"));
        let done = self.outcome(request.header("Content-Type", "application/x-ndjson").body(body)).await;
        self.commits += u64::from(done.is_some());
    }
}
