//! How downloads of chunks ended, by the version of the client, as `/metrics` tells it.

use std::time::Duration;

use hub_tests::{Client, TestHub};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::client::{Packed, Part, parts, random, read_token, reconstruction};
use super::settle;

/// More than the buffers of a connection take in.
const SIZE: usize = 24_000_000;

/// How many downloads of a client ended so.
async fn ended(hub: &TestHub, client: &str, outcome: &str) -> u64 {
    let text = hub.anonymous().get("/metrics", 200).await.text().await.expect("text");
    let start = format!("hub_xet_transfers_total{{client=\"{client}\",outcome=\"{outcome}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&start));
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// Waits until so many ended so, and no other way.
async fn assert_ended(hub: &TestHub, client: &str, expected: [u64; 3]) {
    let all = async || {
        let mut found = [0; 3];
        for (outcome, count) in ["whole", "broken", "stalled"].into_iter().zip(&mut found) {
            *count = ended(hub, client, outcome).await;
        }
        found
    };
    for _ in 0..1200 {
        if all().await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{client}: expected {expected:?}, found {:?}", all().await);
}

/// Asks for a part and reads the beginning of the answer.
async fn begin(part: &Part, agent: &str) -> tokio::net::TcpStream {
    let (host, path) = part.url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address of the hub");
    let socket = TcpSocket::new_v4().expect("a socket");
    // What is on its way should be little beside the part.
    socket.set_recv_buffer_size(64 * 1024).expect("a small buffer");
    let mut line = socket.connect(host.parse().expect("an address")).await.expect("it connects");
    let (first, last) = part.bytes;
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nRange: bytes={first}-{last}\r\nConnection: close\r\n\r\n"
    );
    line.write_all(request.as_bytes()).await.expect("it is sent");
    let mut start = [0; 1000];
    line.read_exact(&mut start).await.expect("it begins");
    assert!(start.starts_with(b"HTTP/1.1 206"));
    line
}

async fn read_to_end(mut line: tokio::net::TcpStream, wanted: u64) {
    let mut rest = Vec::new();
    line.read_to_end(&mut rest).await.expect("the rest comes");
    // The head of the answer is part of what was read before.
    assert!(rest.len() as u64 + 1000 > wanted, "{} of {wanted}", rest.len());
}

async fn with_part(patience: u64) -> (TestHub, Client, Part) {
    let hub = TestHub::start_with(|config| config.xet_stall_secs = patience).await;
    let ada = settle(&hub).await;
    let packed = Packed::new(random(SIZE, 1), 8192);
    packed.upload(&ada, "ada/bert", "w.bin").await;
    let answer = reconstruction(&read_token(&ada, "ada/bert").await, 2, &packed.entry.hash, "", 200).await;
    let part = parts(&answer).remove(0);
    (hub, ada, part)
}

#[tokio::test]
async fn whole_broken_and_stalled_downloads_are_told_apart() {
    let (hub, _ada, part) = with_part(3).await;
    let len = part.bytes.1 - part.bytes.0 + 1;
    let agent = |version: &str| format!("huggingface_hub/2.4.0; hf_xet/{version}; python/3.13");
    let pause = || tokio::time::sleep(Duration::from_secs(6));

    read_to_end(begin(&part, &agent("1.8.0")).await, len).await;
    assert_ended(&hub, "hf_xet/1.8.0", [1, 0, 0]).await;

    drop(begin(&part, &agent("1.8.1")).await);
    assert_ended(&hub, "hf_xet/1.8.1", [0, 1, 0]).await;

    // One comes to itself again, one never does.
    let line = begin(&part, &agent("1.7.9")).await;
    pause().await;
    read_to_end(line, len).await;
    assert_ended(&hub, "hf_xet/1.7.9", [0, 0, 1]).await;
    let line = begin(&part, &agent("1.7.9")).await;
    pause().await;
    drop(line);
    assert_ended(&hub, "hf_xet/1.7.9", [0, 0, 2]).await;

    // What names no version, or one that is none, is counted together: labels stay few.
    for agent in ["curl/8.5", "hf_xet/nightly-2026-11-26", "hf_xet/1.8.0.dev7"] {
        read_to_end(begin(&part, agent).await, len).await;
    }
    assert_ended(&hub, "other", [3, 0, 0]).await;
    assert_ended(&hub, "hf_xet/1.8.0", [1, 0, 0]).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_client_that_is_only_slow_has_not_stalled() {
    let (hub, _ada, part) = with_part(3).await;
    let mut line = begin(&part, "hf_xet/1.8.0").await;
    // Longer than the patience together, never so long at once.
    let mut block = vec![0; 5_000_000];
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(1000)).await;
        line.read_exact(&mut block).await.expect("it goes on");
    }
    line.read_to_end(&mut Vec::new()).await.expect("the rest comes");
    assert_ended(&hub, "hf_xet/1.8.0", [1, 0, 0]).await;
    hub.stop().await;
}

#[tokio::test]
async fn what_clients_report_of_themselves_is_counted() {
    let hub = TestHub::start().await;
    let ada = settle(&hub).await;
    let cas = read_token(&ada, "ada/bert").await;
    let report = async |body: &'static str, status: u16| {
        let request = cas.request(Method::POST, "/xet/v1/telemetry").header("User-Agent", "hf_xet/1.8.0").body(body);
        cas.send(request, status).await;
    };
    report(r#"{"metrics": {"total_bytes": 1}}"#, 200).await;
    report(r#"{"metrics": {"error_kind": "timeout"}}"#, 200).await;
    report("no JSON at all", 200).await;
    assert_eq!(ended(&hub, "hf_xet/1.8.0", "reported").await, 2);
    assert_eq!(ended(&hub, "hf_xet/1.8.0", "reported_failed").await, 1);
    hub.anonymous().send(hub.anonymous().request(Method::POST, "/xet/v1/telemetry").body("{}"), 401).await;
    hub.stop().await;
}
