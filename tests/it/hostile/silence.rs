//! Bodies that stop in the middle. Each door says so in a while, and keeps nothing of what it had.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use hub_git::GitConcurrency;
use hub_tests::{Client, TestHub, until};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::lfs::{Large, entry};

/// Much longer than the hub of these tests waits, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub that waits for bodies so many seconds, with Ada's model.
async fn start(secs: u64) -> (TestHub, Client) {
    let hub = TestHub::start_with(|config| {
        config.rate_limits.enabled = false;
        config.body_silence_secs = secs;
    })
    .await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    (hub, ada)
}

/// A request of which only the beginning is sent.
struct Half {
    what: &'static str,
    /// Method, path and more header fields, each with its line end.
    head: String,
    sent: Vec<u8>,
    /// The length that is announced; without it, the body goes in chunks.
    length: Option<usize>,
}

impl Half {
    fn of(what: &'static str, asked: &str, fields: &[(&str, &str)], sent: impl Into<Vec<u8>>) -> Self {
        let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Self { what, head: format!("{asked} HTTP/1.1\r\nHost: hub\r\n{fields}"), sent: sent.into(), length: Some(100_000) }
    }

    fn in_chunks(self) -> Self {
        Self { length: None, ..self }
    }

    fn message(&self) -> Vec<u8> {
        match self.length {
            Some(length) => [format!("{}Content-Length: {length}\r\n\r\n", self.head).as_bytes(), self.sent.as_slice()].concat(),
            None => {
                let start = format!("{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", self.head, self.sent.len());
                [start.as_bytes(), self.sent.as_slice(), b"\r\n"].concat()
            }
        }
    }

    /// Sends it and nothing more; gives the answer, and after how long it came. The hub closes the connection.
    async fn send(&self, hub: &TestHub) -> (String, Duration) {
        let mut socket = connect(hub).await;
        let started = Instant::now();
        socket.write_all(&self.message()).await.unwrap();
        let (mut said, mut answered) = (Vec::new(), None);
        let mut buffer = [0; 4096];
        let read = async {
            while let Ok(read) = socket.read(&mut buffer).await {
                if read == 0 {
                    return;
                }
                answered.get_or_insert_with(|| started.elapsed());
                said.extend_from_slice(&buffer[..read]);
            }
        };
        assert!(timeout(PATIENCE, read).await.is_ok(), "{}: still open: {}", self.what, String::from_utf8_lossy(&said));
        (String::from_utf8_lossy(&said).into_owned(), answered.unwrap_or_else(|| panic!("{}: no answer", self.what)))
    }
}

async fn connect(hub: &TestHub) -> TcpStream {
    TcpStream::connect(hub.base().trim_start_matches("http://")).await.expect("the hub takes connections")
}

/// The commands of a push, and the first bytes of its pack.
fn half_of_a_push() -> Vec<u8> {
    let command = format!("{} {} refs/heads/new\0report-status", "0".repeat(40), "1".repeat(40));
    let mut sent = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
    sent.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\x01");
    sent
}

const HALF_OF_A_COMMIT: &str =
    "{\"key\":\"header\",\"value\":{\"summary\":\"Half\"}}\n{\"key\":\"file\",\"value\":{\"path\":\"half.txt\",\"content\":\"ab";

/// Files that a writer has begun and not ended.
fn unfinished(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let inside = entries.flat_map(|entry| match entry.path() {
        path if path.is_dir() => unfinished(&path),
        path => vec![path.display().to_string()],
    });
    inside.filter(|path| path.rsplit('/').next().is_some_and(|name| name.contains('#'))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_coming_is_answered_and_nothing_of_it_is_held() {
    let (hub, ada) = start(2).await;
    let credentials = format!("Bearer {}", ada.token());
    let mine = ("Authorization", credentials.as_str());
    let chunks = ada.get_json("/api/models/ada/bert/xet-write-token/main", 200).await;
    let for_chunks = format!("Bearer {}", chunks["accessToken"].as_str().unwrap());
    let file = Large::of(3 << 20, 1);
    let upload = entry(&ada, "ada/bert", "upload", &file).await;
    let href = upload["actions"]["upload"]["href"].as_str().unwrap().strip_prefix(hub.base()).unwrap().to_owned();

    let ndjson = [mine, ("Content-Type", "application/x-ndjson")];
    let of_git = [mine, ("Content-Type", "application/x-git-receive-pack-request")];
    let commit = "POST /api/models/ada/bert/commit/main";
    let push = "POST /ada/bert.git/git-receive-pack";
    let mut large = Half::of("a large file", &format!("PUT {href}"), &[], &file.bytes[..file.bytes.len() - 1000]);
    large.length = Some(file.bytes.len());
    let mut halves = vec![
        Half::of("a commit", commit, &ndjson, HALF_OF_A_COMMIT),
        Half::of("a commit in chunks", commit, &ndjson, HALF_OF_A_COMMIT).in_chunks(),
        Half::of("a push, before its commands", push, &of_git, "00").in_chunks(),
        large,
        Half::of(
            "a xorb",
            &format!("POST /xet/v1/xorbs/default/{}", "0".repeat(64)),
            &[("Authorization", for_chunks.as_str())],
            b"\0".as_slice(),
        ),
        Half::of("a shard", "POST /xet/v1/shards", &[("Authorization", for_chunks.as_str())], b"\0".as_slice()),
        Half::of("an attachment", "POST /api/models/ada/bert/discussions/uploads?name=a.txt", &[mine], "the first words"),
        Half::of("JSON", "POST /api/validate-yaml", &[("Content-Type", "application/json")], "{\"content\""),
        Half::of("a form", "POST /login", &[("Content-Type", "application/x-www-form-urlencoded")], "csrf_token=a&user"),
    ];
    // As many as can be taken in at a time.
    let turns = GitConcurrency::default().pushes;
    halves.extend((0..turns).map(|_| Half::of("a push", push, &of_git, half_of_a_push()).in_chunks()));

    let answers = join_all(halves.iter().map(|half| half.send(&hub))).await;
    for (half, (said, after)) in halves.iter().zip(answers) {
        assert!(said.starts_with("HTTP/1.1 408 "), "{}: {said}", half.what);
        assert!(said.contains("nothing more of it came for 2 seconds"), "{}: {said}", half.what);
        assert!(after > Duration::from_secs(1) && after < Duration::from_secs(15), "{}: after {after:?}", half.what);
    }

    let mut held = Vec::new();
    for _ in 0..turns {
        held.push(timeout(PATIENCE, hub.app().transfers.push_turn()).await.expect("a turn that nobody holds").unwrap());
    }
    drop(held);
    let store = hub.app().config.data_dir.join("store");
    until("nothing unfinished is left", async || unfinished(&store).is_empty()).await;
    let whole = ada.request(Method::PUT, &href).body(file.bytes.clone());
    ada.send(whole, 200).await;
    ada.commit("/api/models/ada/bert", "main", &[Client::file("whole.txt", "whole")], 200).await;
    ada.get("/ada/bert/resolve/main/half.txt", 404).await;
    hub.stop().await;
}

/// The server would wait without end for the rest of a body in chunks that no door reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nobody_reads_holds_no_connection() {
    let (hub, ada) = start(4).await;
    let half = Half::of("nothing there", "POST /api/nothing/at/all", &[], "half").in_chunks();
    let (said, after) = half.send(&hub).await;
    assert!(said.starts_with("HTTP/1.1 404 "), "{said}");
    assert!(after < Duration::from_secs(3), "the answer waited for the body: {after:?}");
    // What comes slowly is taken, and the answer is there from the beginning.
    let mut socket = connect(&hub).await;
    socket.write_all(&half.message()).await.unwrap();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(750)).await;
        socket.write_all(b"4\r\nmore\r\n").await.unwrap();
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut said)).await.expect("the hub closes the connection").unwrap();
    assert!(said.starts_with("HTTP/1.1 404 "), "{said}");
    ada.get("/healthz", 200).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_arrives_as_long_as_something_comes() {
    let (hub, ada) = start(4).await;
    let body = format!("{HALF_OF_A_COMMIT}{}\"}}}}\n", "cd".repeat(40));
    let head = format!(
        "POST /api/models/ada/bert/commit/main HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\nContent-Type: \
         application/x-ndjson\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        ada.token()
    );
    let mut socket = connect(&hub).await;
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in body.as_bytes().chunks(body.len().div_ceil(10)) {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        socket.write_all(&chunk).await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut said)).await.expect("an answer").unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    ada.get("/ada/bert/resolve/main/half.txt", 200).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_limit_a_body_is_waited_for() {
    let (hub, _) = start(0).await;
    let mut socket = connect(&hub).await;
    let half = Half::of("JSON", "POST /api/validate-yaml", &[("Content-Type", "application/json")], "{\"content\"");
    socket.write_all(&half.message()).await.unwrap();
    let mut buffer = [0; 64];
    let answered = timeout(Duration::from_secs(3), socket.read(&mut buffer)).await;
    assert!(answered.is_err(), "it was answered");
    drop(socket);
    hub.stop().await;
}
