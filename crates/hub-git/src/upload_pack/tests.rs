use super::*;
use crate::fixture::{Fixture, run};
use crate::process::GitConcurrency;

async fn collect(mut answer: FetchAnswer) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.recv().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

fn packets(lines: &[&str]) -> Bytes {
    let mut out = Vec::new();
    for line in lines {
        match *line {
            "flush" => write_flush(&mut out),
            "delim" => out.extend_from_slice(b"0001"),
            line => write_packet(&mut out, line.as_bytes()),
        }
    }
    out.into()
}

/// The pack in the side band of an answer.
fn unband(answer: &[u8]) -> Vec<u8> {
    let (mut rest, mut pack) = (answer, Vec::new());
    while rest.len() >= 4 {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..4]).unwrap(), 16).unwrap().max(4);
        if rest.get(4) == Some(&1) && length > 5 {
            pack.extend_from_slice(&rest[5..length]);
        }
        rest = &rest[length..];
    }
    pack
}

#[test]
fn only_plain_protocol_headers_are_passed_on() {
    assert!(ProtocolVersion::from_header(Some("version=2")).is_v2());
    assert!(ProtocolVersion::from_header(Some("foo:version=2")).is_v2());
    assert!(!ProtocolVersion::from_header(Some("version=1")).is_v2());
    for value in ["version=2\n", "$(id)", "a b", &"x".repeat(101)] {
        assert_eq!(ProtocolVersion::from_header(Some(value)), ProtocolVersion::default(), "{value}");
    }
}

#[tokio::test]
async fn refs_are_advertised_in_every_version() {
    let fixture = Fixture::new();
    let git = Git::default();
    let head = fixture.server_head().to_hex();
    for (header, start) in
        [(None, "001e# service=git-upload-pack\n0000"), (Some("version=1"), "001e# service=git-upload-pack\n0000000eversion 1\n")]
    {
        let version = ProtocolVersion::from_header(header);
        let answer = collect(git.advertise_for_fetch(fixture.view(), &version).await.unwrap()).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with(start) && text.contains(&head) && text.contains(" filter"), "{text}");
    }
    let version = ProtocolVersion::from_header(Some("version=2"));
    let answer = collect(git.advertise_for_fetch(fixture.view(), &version).await.unwrap()).await.unwrap();
    assert!(answer.starts_with(b"000eversion 2\n"));
}

#[tokio::test]
async fn a_fetch_streams_a_pack() {
    let fixture = Fixture::new();
    let head = fixture.server_head();
    let want = format!("want {head}\n");
    let request = packets(&["command=fetch", "object-format=sha1", "delim", "no-progress", &want, "done\n", "flush"]);
    let version = ProtocolVersion::from_header(Some("version=2"));
    let answer = collect(Git::default().answer_fetch(fixture.view(), &version, request).await.unwrap()).await.unwrap();
    let fresh = tempfile::tempdir().unwrap();
    run(&["init", "-q", "--bare", "."], fresh.path(), b"");
    run(&["index-pack", "--stdin", "--strict"], fresh.path(), &unband(&answer));
    run(&["cat-file", "-e", &format!("{head}:text.txt")], fresh.path(), b"");
}

#[tokio::test]
async fn sparse_filters_are_refused() {
    let fixture = Fixture::new();
    let head = fixture.server_head();
    let want = format!("want {head}\n");
    let filter = format!("filter sparse:oid={head}\n");
    let request = packets(&["command=fetch", "object-format=sha1", "delim", &want, &filter, "done\n", "flush"]);
    let version = ProtocolVersion::from_header(Some("version=2"));
    let answer = Git::default().answer_fetch(fixture.view(), &version, request).await.unwrap();
    let mut text = Vec::new();
    let mut answer = answer;
    while let Some(Ok(chunk)) = answer.recv().await {
        text.extend_from_slice(&chunk);
    }
    assert!(String::from_utf8_lossy(&text).contains("not supported"), "{}", String::from_utf8_lossy(&text));
}

#[tokio::test]
async fn garbage_ends_the_answer_with_an_error() {
    let fixture = Fixture::new();
    let answer = Git::default().answer_fetch(fixture.view(), &ProtocolVersion::default(), Bytes::from_static(b"zzzz what")).await;
    assert!(collect(answer.unwrap()).await.is_err());
}

#[tokio::test]
async fn turns_are_given_back_when_the_reader_goes_away() {
    let fixture = Fixture::new();
    // More than pipes and channel hold, and nothing that a pack could make small.
    let noise: Vec<u8> = std::iter::successors(Some(88_172_645_463_325_252u64), |state| {
        // Marsaglia's xorshift64.
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    })
    .take(250_000)
    .flat_map(u64::to_le_bytes)
    .collect();
    fixture.commit("noise", &noise);
    fixture.git(&["push", "-q", "../server", "main"]);
    let git = Git::new(GitConcurrency { fetches: 1, pushes: 1, patience: Duration::from_secs(3) });
    let want = format!("want {}\n", fixture.server_head());
    let request = packets(&["command=fetch", "object-format=sha1", "delim", &want, "done\n", "flush"]);
    let version = ProtocolVersion::from_header(Some("version=2"));
    let mut first = git.answer_fetch(fixture.view(), &version, request).await.unwrap();
    assert!(first.recv().await.is_some());
    assert!(matches!(git.advertise_for_fetch(fixture.view(), &version).await, Err(ProcessError::Busy)));
    drop(first);
    git.advertise_for_fetch(fixture.view(), &version).await.unwrap();
}
