//! Everything at once on a real hub of two nodes: people upload, commit, reuse, squash, branch and delete the same few
//! contents, undo and restore, copy repositories, change a bucket, join packs, files are put into chunks, and garbage is collected all the while, without any
//! grace, and cut off at random moments. Others download and clone what stays, whose chunks and packs are in the midst of it,
//! and get all of it each time. In the end nothing that is named is lost, and nothing else is left.

mod copies;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub::app::App;
use hub::gc::{self, Limits, Mode};
use hub::repos::{lfs_files, queries as repo_queries};
use hub_tests::{Client, TestHub, Value, json};
use hub_types::{RepoType, Sha256};
use reqwest::Method;

use super::{AT_ONCE, assert_sound, count, expire_leases, line, run, stored};
use crate::lfs::Large;
use crate::xet::client::{Packed, assemble, random, read_token, reconstruction};

const WORKERS: u64 = 5;
const REPOS: [&str; 3] = ["one", "two", "gone"];

/// How long the storm lasts.
fn length() -> Duration {
    let secs = std::env::var("HUB_TEST_GC_SECS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(secs.unwrap_or(8))
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides) as usize
    }
}

/// Contents that share chunks, some of them.
fn contents() -> Vec<Large> {
    let base = Large::of(400_000, 1).bytes;
    let mut contents: Vec<Large> = (0..10).map(|n| Large::of(20_000 + n * 25_000, n as u32)).collect();
    contents.extend((1..4).map(|n| Large::new([&base[..n * 100_000], &[n as u8; 5000][..]].concat())));
    contents
}

struct Worker {
    client: Client,
    dice: Dice,
    contents: Vec<Large>,
    commits: u64,
    /// What all workers took back.
    undone: Arc<AtomicU64>,
    /// The name of the copy that this worker makes, reads and deletes.
    copy: String,
    /// The copies that all workers made and read.
    copied: Arc<AtomicU64>,
}

impl Worker {
    /// Sends what may fail because others are at work; but the hub may not break.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
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

    async fn work(&mut self, app: &App) {
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

/// A file in a repository and in a bucket that nobody takes away, of chunks that others have, too.
struct Kept(Packed);

impl Kept {
    async fn put(ada: &Client) -> Self {
        let bytes = [&Large::of(400_000, 1).bytes[..350_000], &random(50_000, 77)].concat();
        let packed = Packed::new(bytes, 3);
        ada.create_repo("model", "ada/kept", false).await;
        packed.upload(ada, "ada/kept", "w.bin").await;
        ada.post_json("/api/buckets/ada/box", &json!({}), 200).await;
        let access = ada.get_json("/api/buckets/ada/box/xet-write-token", 200).await;
        packed.send(&ada.with_token(access["accessToken"].as_str().unwrap())).await;
        let line = json!({ "type": "addFile", "path": "kept.bin", "xetHash": packed.entry.hash });
        ada.send(ada.request(Method::POST, "/api/buckets/ada/box/batch").body(line.to_string()), 200).await;
        Self(packed)
    }

    /// Gets it every way there is until told to stop; gives how often.
    async fn read(&self, ada: &Client, stop: &AtomicBool) -> u64 {
        let (hash, bytes) = (&self.0.entry.hash, &self.0.file.bytes);
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            for path in ["/ada/kept/resolve/main/w.bin", "/buckets/ada/box/resolve/kept.bin"] {
                assert!(ada.get(path, 200).await.bytes().await.unwrap() == *bytes, "{path}");
            }
            // Where the chunks lie is asked, and they are fetched a while later.
            let answer = reconstruction(&read_token(ada, "ada/kept").await, 2, hash, "", 200).await;
            // Two processes, each as long as many of the others' steps.
            if rounds % 4 == 0 {
                clone(&ada.url("/ada/kept")).await;
            }
            assert!(assemble(&answer, bytes.len()).await == *bytes, "by chunks");
            rounds += 1;
        }
        rounds
    }
}

/// Clones, which looks whether all that was sent hangs together, and reads all of it again.
async fn clone(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["clone", "--quiet", url, "."], ["fsck", "--full", "--strict", "--no-dangling"]] {
        let mut git = tokio::process::Command::new("git");
        git.args(arguments).current_dir(folder.path()).env("GIT_LFS_SKIP_SMUDGE", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = git.output().await.unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Collects until told to stop; every other run is cut off.
async fn collect(app: &App, stop: &AtomicBool, runs: &AtomicU64, swept: &AtomicU64) {
    let limits = Limits { plain: Some(Duration::ZERO), ..AT_ONCE };
    let mut dice = Dice(7);
    while !stop.load(Ordering::Relaxed) {
        // In the order in which the hub takes hold of them, or the two wait for each other.
        let expire = "with held as (select xorb_hash from xet_xorbs order by xorb_hash for update)
            update xet_xorbs x set lease_until = now() from held where x.xorb_hash = held.xorb_hash";
        sqlx::query(expire).execute(&app.pool).await.unwrap();
        let patience = Duration::from_millis(if dice.roll(2) == 0 { 60_000 } else { dice.roll(300) as u64 });
        match tokio::time::timeout(patience, gc::collect(app, limits, Mode::Real)).await {
            Ok(report) => {
                let report = report.unwrap();
                runs.fetch_add(u64::from(report.is_some()), Ordering::Relaxed);
                let files = report.map(|report| report.get(gc::Item::SweptFiles).count).unwrap_or_default();
                swept.fetch_add(files, Ordering::Relaxed);
            }
            Err(_cut_off) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gc_loses_nothing_in_a_storm() {
    let hub = TestHub::start().await;
    let ada = hub.user("ada").await;
    for name in REPOS {
        ada.create_repo("model", &format!("ada/{name}"), false).await;
    }
    let kept = Kept::put(&ada).await;
    let disk = tempfile::tempdir().unwrap();
    let mut config = hub.app().config.as_ref().clone();
    config.data_dir = disk.path().to_owned();
    let node = hub::start(config, TcpListener::bind("127.0.0.1:0").unwrap()).await.unwrap();

    let (stop, runs) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    let [swept, undone, copied] = [(); 3].map(|()| Arc::new(AtomicU64::new(0)));
    let readers = {
        let (ada, stop) = (ada.clone(), Arc::clone(&stop));
        tokio::spawn(async move { kept.read(&ada, &stop).await })
    };
    let until = Instant::now() + length();
    let people = futures::future::join_all((0..WORKERS).map(|seed| {
        let (undone, copied, copy) = (Arc::clone(&undone), Arc::clone(&copied), copies::name(seed));
        let (client, dice) = (ada.clone(), Dice(seed));
        let mut worker = Worker { client, dice, contents: contents(), commits: 0, undone, copy, copied };
        let (app, swept) = (hub.app().clone(), Arc::clone(&swept));
        tokio::spawn(async move {
            // On a slow machine it lasts until it has had some effect.
            let had = |counter: &AtomicU64, more: u64| counter.load(Ordering::Relaxed) > more;
            let has_effect = |worker: &Worker| had(&swept, 2) && had(&worker.undone, 0) && had(&worker.copied, 0);
            let latest = until + Duration::from_secs(60);
            while Instant::now() < until || (!has_effect(&worker) && Instant::now() < latest) {
                worker.work(&app).await;
            }
            worker.commits
        })
    }));
    let storm = async {
        let commits: u64 = people.await.into_iter().map(|done| done.expect("a worker found a fault")).sum();
        stop.store(true, Ordering::Relaxed);
        commits
    };
    let here = collect(hub.app(), &stop, &runs, &swept);
    let there = collect(&node.app, &stop, &runs, &swept);
    let (commits, (), ()) = tokio::join!(storm, here, there);
    let reads = readers.await.expect("a reader found a fault");
    let [swept, undone, copied] = [swept, undone, copied].map(|counter| counter.load(Ordering::Relaxed));
    let runs = runs.into_inner();
    println!(
        "{commits} commits, {undone} undos, {copied} copies and {reads} times reading beside {runs} whole runs, which removed \
         {swept} files"
    );
    assert!(commits > 5 && runs > 2 && swept > 2 && reads > 1 && undone > 0 && copied > 0, "the storm was no storm");

    calm(&hub).await;
    assert_sound(&hub).await;
    assert_nothing_else_is_left(&hub).await;
    for name in names_left(&hub).await {
        read_whole(&ada, &name).await;
    }
    node.stop().await;
    hub.stop().await;
}

/// Reads every large file of a repository that nobody changes.
async fn read_whole(ada: &Client, name: &str) {
    let tree = ada.get_json(&format!("/api/models/ada/{name}/tree/main"), 200).await;
    for entry in tree.as_array().unwrap().iter().filter(|entry| entry["lfs"].is_object()) {
        let path = entry["path"].as_str().unwrap();
        let bytes = super::download(ada, &format!("ada/{name}"), path).await;
        assert_eq!(entry["lfs"]["oid"], Large::new(bytes).oid, "{name}/{path}");
    }
}

/// The repositories of the storm that are there, and the copies.
async fn names_left(hub: &TestHub) -> Vec<String> {
    let sql = "select name from repos where repo_type = 'model' and deleted_at is null and name <> 'kept'";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&hub.app().pool).await.unwrap();
    assert!(REPOS.iter().all(|name| names.iter().any(|there| there == name)), "{names:?}");
    names
}

/// Lets the jobs come to their end, and garbage collection as well.
async fn calm(hub: &TestHub) {
    let asked = Instant::now();
    while hub::jobs::queries::count(&hub.app().pool).await.unwrap().0 > 0 {
        assert!(asked.elapsed().as_secs() < 60, "jobs are left");
        // Those that failed because a file went while they read it wait for their next try.
        sqlx::query("update jobs set run_at = now() where run_at > now()").execute(&hub.app().pool).await.unwrap();
        hub.app().jobs.wake();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..5 {
        expire_leases(hub).await;
        run(hub, AT_ONCE).await;
    }
}

async fn assert_nothing_else_is_left(hub: &TestHub) {
    let app = hub.app();
    for name in names_left(hub).await {
        let repo = repo_queries::find_repo(&app.pool, RepoType::Model, "ada", &name).await.unwrap().unwrap();
        let refs = repo_queries::list_refs(&app.pool, repo.pk).await.unwrap();
        let named = lfs_files::named_oids(app, &repo, &refs).await.unwrap().unwrap();
        let has = sqlx::query_scalar::<_, Sha256>("select oid from repo_lfs_objects where repo_pk = $1").bind(repo.pk);
        let has: std::collections::HashSet<Sha256> = has.fetch_all(&app.pool).await.unwrap().into_iter().collect();
        assert_eq!(has, named, "{name}");
    }
    let idle = "lfs_objects o where not exists (select from repo_lfs_objects l where l.oid = o.oid)";
    assert_eq!(count(hub, idle).await, 0);
    let idle = "xet_xorbs x where not exists (select from xet_file_xorbs f where f.xorb_hash = x.xorb_hash)";
    assert_eq!(count(hub, idle).await, 0);
    let rows = count(hub, "lfs_objects where is_plain").await + 2 * count(hub, "xet_xorbs").await;
    assert_eq!(count(hub, "doomed_objects").await, 0);
    // A run that was cut off while an upload discarded its bytes leaves nothing either: those go by themselves.
    let left = stored(hub).await;
    assert_eq!(left.len() as i64, rows, "{left:?}");
}
