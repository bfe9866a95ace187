//! Bytes that are hardly HTTP, by a bare socket. What a proxy in front makes of them is in `tests/faults/test_smuggling.py`.

use std::time::{Duration, Instant};

use hub_tests::TestHub;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::start;

/// Longer than a connection may be idle in the middle of a request.
const PATIENCE: Duration = Duration::from_secs(15);

async fn connect(hub: &TestHub) -> TcpStream {
    TcpStream::connect(hub.base().trim_start_matches("http://")).await.expect("the hub takes connections")
}

/// Sends bytes and reads until the hub closes the connection; gives the statuses of all answers.
async fn answers(hub: &TestHub, message: &[u8]) -> Vec<u16> {
    let mut socket = connect(hub).await;
    // The hub may be done with us before all is sent.
    let _ = socket.write_all(message).await;
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    let read = async {
        while let Ok(read) = socket.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            said.extend_from_slice(&buffer[..read]);
        }
    };
    assert!(
        timeout(PATIENCE, read).await.is_ok(),
        "still open: {:?} after {:?}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(message)
    );
    let said = String::from_utf8_lossy(&said).into_owned();
    said.match_indices("HTTP/1.1 ").filter_map(|(at, _)| said.get(at + 9..at + 12)?.parse().ok()).collect()
}

/// A request that nobody makes but whoever hides it in another.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: hidden\r\nConnection: close\r\n\r\n";

/// Where two readers could disagree on the end of a request, the hub reads nothing behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_whose_end_is_doubtful_are_refused_and_nothing_behind_them_is_read() {
    let (hub, ada) = start().await;
    let post = |fields: &str, body: &str| {
        format!("POST /api/validate-yaml HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n{fields}\r\n{body}{HIDDEN}")
    };
    let chunked = "0\r\n\r\n";
    for (what, message) in [
        ("a length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked)),
        ("chunks and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked)),
        ("two lengths", post("Content-Length: 0\r\nContent-Length: 60\r\n", "")),
        ("a list of lengths", post("Content-Length: 0, 60\r\n", "")),
        ("a sum", post("Content-Length: +0\r\n", "")),
        ("a negative length", post("Content-Length: -1\r\n", "")),
        ("hex", post("Content-Length: 0x0\r\n", "")),
        ("a number and more", post("Content-Length: 0 1\r\n", "")),
        ("a length beyond numbers", post("Content-Length: 99999999999999999999999\r\n", "")),
        ("chunks under another name", post("Transfer-Encoding: xchunked\r\n", chunked)),
        ("chunks that are not last", post("Transfer-Encoding: chunked, identity\r\n", chunked)),
        ("chunks twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked)),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n", chunked)),
        ("a space before the colon of a length", post("Content-Length : 60\r\n", "")),
        ("a folded header", post("X-A: b\r\n Content-Length: 60\r\n", "")),
        ("a folded encoding", post("Transfer-Encoding:\r\n chunked\r\n", chunked)),
        ("a header without a colon", post("Content-Length 60\r\n", "")),
        ("a nul in a header", post("X-A: b\0c\r\n", "")),
        ("a bare return in a header", post("X-A: b\rContent-Length: 60\r\n", "")),
        ("a chunk size that is none", post("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n")),
        ("a negative chunk", post("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n")),
        ("a chunk beyond numbers", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n\r\n")),
        ("a chunk without its end", post("Transfer-Encoding: chunked\r\n", "1\r\nXX0\r\n\r\n")),
        ("a chunk ended by a bare line feed", post("Transfer-Encoding: chunked\r\n", "1\nX\n0\n\n")),
    ] {
        let statuses = answers(&hub, message.as_bytes()).await;
        assert!(statuses.len() <= 1 && statuses.iter().all(|status| (400..500).contains(status)), "{what}: {statuses:?}");
    }
    // What is clear is read to its end, and the next request behind it.
    for message in [
        post("Content-Length: 2\r\n", "{}"),
        post("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n", "2;name=value\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"),
    ] {
        assert_eq!(answers(&hub, message.as_bytes()).await.last(), Some(&200), "{message}");
    }
    ada.get("/healthz", 200).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_are_hardly_http_are_refused() {
    let (hub, ada) = start().await;
    let long = "a".repeat(300_000);
    let many = (0..5000).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    for (what, message) in [
        ("nothing of HTTP", "\x16\x03\x01\x02\0\x01\0\x01\u{7f}hello hello hello hello\r\n\r\n".to_owned()),
        ("no version", "GET /healthz\r\n\r\n".to_owned()),
        ("another version", "GET /healthz HTTP/9.9\r\nHost: hub\r\n\r\n".to_owned()),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("a method with a space", "GE T /healthz HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("a space in the address", "GET /health z HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("a nul in the address", "GET /health\0z HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("a name with a space", "GET /healthz HTTP/1.1\r\nHost: hub\r\nX A: b\r\n\r\n".to_owned()),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: hub\r\n\r\n")),
        ("a long header", format!("GET /healthz HTTP/1.1\r\nHost: hub\r\nX-A: {long}\r\n\r\n")),
        ("many headers", format!("GET /healthz HTTP/1.1\r\nHost: hub\r\n{many}\r\n")),
        ("a long cookie", format!("GET /models HTTP/1.1\r\nHost: hub\r\nCookie: session={long}\r\n\r\n")),
    ] {
        let statuses = answers(&hub, message.as_bytes()).await;
        assert!(
            statuses.len() <= 1 && statuses.iter().all(|status| (400..506).contains(status) && *status != 500),
            "{what}: {statuses:?}"
        );
    }
    ada.get("/healthz", 200).await;
    hub.stop().await;
}

/// Whoever sends a head byte by byte holds a connection for a while, and nobody else up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_are_cut_off_and_hold_nobody_up() {
    let (hub, ada) = start().await;
    let dribble = |mut socket: TcpStream| async move {
        let started = Instant::now();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n").await.unwrap();
        let mut buffer = [0; 512];
        while started.elapsed() < Duration::from_secs(40) {
            if socket.write_all(b"X-A: b\r\n").await.is_err() {
                return started.elapsed();
            }
            // An answer or an end both mean that the hub is through with us.
            if timeout(Duration::from_millis(300), socket.read(&mut buffer)).await.is_ok() {
                return started.elapsed();
            }
        }
        started.elapsed()
    };
    let mut slow = Vec::new();
    for _ in 0..300 {
        slow.push(tokio::spawn(dribble(connect(&hub).await)));
    }
    let quick = async {
        let started = Instant::now();
        for _ in 0..20 {
            ada.get("/api/models/ada/bert", 200).await;
        }
        started.elapsed()
    };
    assert!(quick.await < Duration::from_secs(10), "others wait");
    for slow in slow {
        let took = slow.await.unwrap();
        assert!(took < Duration::from_secs(30), "a head took {took:?}");
    }
    hub.stop().await;
}

/// A connection that does nothing in the middle of a body is worth nothing, but a slow one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_arrive() {
    let (hub, _) = start().await;
    let body = r#"{"content":"---\nlicense: mit\n---\n","repoType":"model"}"#;
    let mut socket = connect(&hub).await;
    let head = format!(
        "POST /api/validate-yaml HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in body.as_bytes().chunks(8) {
        socket.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1000)).await;
    }
    let mut said = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut said)).await.expect("an answer").unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    hub.stop().await;
}
