//! What nobody sends who means well.

use std::io::Write as _;

use super::{ref_of, scratch_is_empty, start};
use crate::work::Work;

const ZERO: &str = "0000000000000000000000000000000000000000";

fn packet(payload: &str) -> String {
    format!("{:04x}{payload}", payload.len() + 4)
}

/// The body of a push of one command.
fn body(old: Option<&str>, new: &str, name: &str, pack: &[u8]) -> Vec<u8> {
    let command = format!("{} {new} {name}\0 report-status", old.unwrap_or(ZERO));
    let mut body = packet(&command).into_bytes();
    body.extend_from_slice(b"0000");
    body.extend_from_slice(pack);
    body
}

async fn post(work: &Work, body: Vec<u8>) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("{}/git-receive-pack", work.remote()));
    request.header("Content-Type", "application/x-git-receive-pack-request").body(body).send().await.unwrap()
}

/// Pushes a pack as it is and gives the report.
pub(super) async fn push_raw(work: &Work, old: Option<&str>, new: &str, name: &str, pack: &[u8]) -> String {
    let response = post(work, body(old, new, name, pack)).await;
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

async fn count_packs(hub: &hub_tests::TestHub) -> i64 {
    sqlx::query_scalar("select count(*) from packs").fetch_one(&hub.app().pool).await.unwrap()
}

#[tokio::test]
async fn broken_packs_are_refused_and_leave_nothing() {
    let (hub, _, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await;
    let packs_before = count_packs(&hub).await;
    work.commit("a.txt", b"first\n").await;
    let new = work.commit("a.txt", b"second\n").await;
    let whole = work
        .pack_of(&[&new, &work.git(&["rev-parse", "HEAD^{tree}"]).await, &work.git(&["rev-parse", "HEAD:a.txt"]).await])
        .await;
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    for (what, pack, word) in [
        ("truncated", &whole[..whole.len() - 30], "cut off"),
        ("nothing", b"", "cut off"),
        ("flipped bit", &flipped, "damaged"),
        ("wrong checksum", &wrong_sum, "damaged"),
        ("no pack", b"<html>hello</html> and some more", "not a git pack"),
        ("too many objects", b"PACK\0\0\0\x02\xff\xff\xff\xff and some more bytes", "too large"),
        ("parent missing", &whole, "missing"),
    ] {
        let said = push_raw(&work, before.as_deref(), &new, "refs/heads/main", pack).await;
        assert!(said.contains(word) && said.contains("ng refs/heads/main"), "{what}: {said}");
        assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, before, "{what}");
    }
    assert_eq!(count_packs(&hub).await, packs_before, "no refused pack is registered");
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn malformed_requests_get_a_sentence() {
    let (hub, ada, work) = start().await;
    let a = "a".repeat(40);
    for (what, body, status) in [
        ("no packets", b"hello".to_vec(), 400),
        ("a length that lies", b"00ffabc".to_vec(), 400),
        ("no command", packet("hello").into_bytes(), 400),
        ("no end", packet(&format!("{ZERO} {a} refs/heads/x\0report-status")).into_bytes(), 400),
        (
            "another hash",
            format!("{}0000", packet(&format!("{ZERO} {a} refs/heads/x\0report-status object-format=sha256"))).into_bytes(),
            400,
        ),
        ("a signed push", format!("{}0000", packet("push-cert\0report-status")).into_bytes(), 400),
        ("a probe", b"0000".to_vec(), 200),
        ("nothing", Vec::new(), 200),
    ] {
        let response = post(&work, body).await;
        assert_eq!(response.status(), status, "{what}");
        if status == 400 {
            assert!(response.text().await.unwrap().len() > 20, "{what}");
        }
    }
    let request = ada.request(reqwest::Method::POST, "/ada/bert/git-upload-pack");
    let request = request.header("Content-Type", "application/x-git-upload-pack-request").body("zzzz nonsense");
    // The answer has begun by the time git gives up: it ends early or is empty, and the hub lives.
    let _ = request.send().await.unwrap().bytes().await;
    ada.get("/ada/bert/info/refs?service=git-upload-pack", 200).await;
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn refs_with_evil_names_are_refused_one_by_one() {
    let (hub, _, work) = start().await;
    let new = work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let empty = work.pack_of(&[]).await;
    for name in [
        "refs/heads/../../../../etc/passwd",
        "refs/heads/a b",
        "refs/heads/x.lock",
        "refs/heads/\u{1b}[2J",
        "refs/heads/-upload-pack",
        "refs/heads/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "refs/heads/main/sub",
        "refs/../config",
        "config",
        "HEAD",
        "objects/info/alternates",
        "refs/replace/1111111111111111111111111111111111111111",
        "refs/pr/1",
        "refs/convert/parquet",
        &format!("refs/heads/{}", "x".repeat(300)),
    ] {
        let said = push_raw(&work, None, &new, name, &empty).await;
        assert!(said.contains("ng "), "{name:?}: {said}");
    }
    let refs: i64 = sqlx::query_scalar("select count(*) from refs").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(refs, 1);
    hub.stop().await;
}

#[tokio::test]
async fn unknown_and_unfit_objects_cannot_be_refs() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let empty = work.pack_of(&[]).await;
    let said = push_raw(&work, None, &"9".repeat(40), "refs/heads/x", &empty).await;
    assert!(said.contains("ng refs/heads/x") && said.contains("missing"), "{said}");
    for object in ["HEAD^{tree}", "HEAD:a.txt"] {
        let oid = work.git(&["rev-parse", object]).await;
        for name in ["refs/heads/x", "refs/tags/x"] {
            let said = push_raw(&work, None, &oid, name, &empty).await;
            assert!(said.contains("is not a commit"), "{object} {name}: {said}");
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_branch_cannot_be_a_tag_object() {
    let (hub, _, work) = start().await;
    work.git(&["tag", "-a", "-m", "annotated", "v1"]).await;
    let tag = work.git(&["rev-parse", "v1"]).await;
    let pack = work.pack_of(&[&tag]).await;
    let said = push_raw(&work, None, &tag, "refs/heads/x", &pack).await;
    assert!(said.contains("ng refs/heads/x") && said.contains("is a tag"), "{said}");
    let said = push_raw(&work, None, &tag, "refs/tags/x", &pack).await;
    assert!(said.contains("ok refs/tags/x"), "{said}");
    hub.stop().await;
}

#[tokio::test]
async fn bodies_that_unpack_to_more_than_they_should_are_refused() {
    let (hub, ada, _) = start().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![b'0'; 1024 * 1024]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let request = ada.request(reqwest::Method::POST, "/ada/bert/git-upload-pack");
    let request = request.header("Content-Type", "application/x-git-upload-pack-request").header("Content-Encoding", "gzip");
    ada.send(request.body(bomb), 413).await;
    hub.stop().await;
}

#[tokio::test]
async fn gzipped_bodies_are_read() {
    let (hub, _, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await.unwrap();
    let new = work.commit("a.txt", b"1").await;
    let pack = work.pack_between(&before, &new).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&body(Some(&before), &new, "refs/heads/main", &pack)).unwrap();
    let request = reqwest::Client::new().post(format!("{}/git-receive-pack", work.remote()));
    let request = request.header("Content-Type", "application/x-git-receive-pack-request").header("Content-Encoding", "gzip");
    let said = request.body(encoder.finish().unwrap()).send().await.unwrap().text().await.unwrap();
    assert!(said.contains("ok refs/heads/main"), "{said}");
    assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, Some(new));
    hub.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_mid_push_leaves_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let (hub, ada, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await;
    let new =
        work.commit("noise", &(0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8).collect::<Vec<u8>>()).await;
    let pack = work.pack_between("HEAD~1", &new).await;
    let body = body(before.as_deref(), &new, "refs/heads/main", &pack);
    for sent in [60, body.len() / 2, body.len() - 1] {
        let mut stream = tokio::net::TcpStream::connect(hub.base().trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "POST /ada/bert/git-receive-pack HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {}\r\n\r\n",
            ada.token(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..sent]).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        drop(stream);
    }
    scratch_is_empty(&hub).await;
    assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, before);
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

#[tokio::test]
async fn trees_that_unfold_without_end_are_refused() {
    let (hub, _, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await;
    let mut oids = vec![work.blob(b"boom").await];
    let mut mode = "100644";
    for _ in 0..12 {
        let names: Vec<String> = (b'a'..=b'j').map(|letter| char::from(letter).to_string()).collect();
        let child = oids.last().unwrap().clone();
        let entries: Vec<(&str, &[u8], &str)> = names.iter().map(|name| (mode, name.as_bytes(), child.as_str())).collect();
        oids.push(work.raw_tree(&entries).await);
        mode = "40000";
    }
    let commit = work.commit_tree(oids.last().unwrap()).await;
    oids.push(commit.clone());
    let pack = work.pack_of(&oids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let started = std::time::Instant::now();
    let said = push_raw(&work, before.as_deref(), &commit, "refs/heads/main", &pack).await;
    assert!(said.contains("too many files"), "{said}");
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    hub.stop().await;
}

#[tokio::test]
async fn odd_file_modes_are_refused_or_can_be_read() {
    let (hub, ada, work) = start().await;
    let blob = work.blob(b"x").await;
    let folder = work.raw_tree(&[("100644", b"inner", &blob)]).await;
    for (number, (mode, object)) in [
        ("100664", &blob),
        ("100600", &blob),
        ("0", &blob),
        ("177777", &blob),
        ("7777777", &blob),
        ("40755", &folder),
        ("040000", &folder),
        ("100644", &folder),
        ("40000", &blob),
        ("120777", &blob),
    ]
    .into_iter()
    .enumerate()
    {
        let tree = work.raw_tree(&[(mode, b"odd", object)]).await;
        let commit = work.commit_tree(&tree).await;
        let pack = work.pack_of(&[&blob, &folder, &tree, &commit]).await;
        let name = format!("odd-{number}");
        let said = push_raw(&work, None, &commit, &format!("refs/heads/{name}"), &pack).await;
        if said.contains("ok refs/heads/") {
            let found = ada.get_json(&format!("/api/models/ada/bert/tree/{name}"), 200).await;
            assert_eq!(found[0]["path"], "odd", "{mode}");
            work.git(&["clone", "-q", "--bare", "-b", &name, work.remote(), &format!(".git/{name}")]).await;
        } else {
            assert!(!said.contains("Internal"), "{mode}: {said}");
        }
        // On the default branch what is derived from the commit must not fail either.
        let head = ref_of(&hub, "bert", "refs/heads/main").await;
        let said = push_raw(&work, head.as_deref(), &commit, "refs/heads/main", &pack).await;
        assert!(!said.contains("Internal"), "{mode}: {said}");
        ada.get_json("/api/models/ada/bert", 200).await;
    }
    hub.stop().await;
}

#[tokio::test]
async fn odd_commits_are_refused_or_can_be_read() {
    let (hub, ada, work) = start().await;
    let tree = work.git(&["rev-parse", "HEAD^{tree}"]).await;
    let ada_then = "ada <a@b.c> 1700000000 +0000";
    let commit = |author: &[u8], extra: &[u8], message: &[u8]| {
        let head = format!("tree {tree}\nauthor ");
        [head.as_bytes(), author, b"\ncommitter ", author, b"\n", extra, b"\n", message].concat()
    };
    for (number, data) in [
        commit(ada_then.as_bytes(), b"", b""),
        commit(ada_then.as_bytes(), b"", b"\xff\xfe not utf-8"),
        commit(ada_then.as_bytes(), b"", b"nul \0 inside"),
        commit(ada_then.as_bytes(), b"", b"\x1b[31m \r\n\r\n\x07 </script>"),
        commit(ada_then.as_bytes(), b"encoding latin1\n", b"caf\xe9"),
        commit(ada_then.as_bytes(), b"gpgsig -----BEGIN\n  nothing\n", b"signed"),
        commit(b"\xff\xfe <\xff> 1700000000 +0000", b"", b"author"),
        commit(b" <> 0 +0000", b"", b"nobody"),
        commit(b"a <b> 1700000000 +9999", b"", b"zone"),
        commit(b"a <b> 1700000000 -99999999", b"", b"zone"),
        commit(b"a <b> 1700000000 zone", b"", b"zone"),
        commit(b"a <b> 253402300800 +0000", b"", b"year 10000"),
        commit(b"a <b> 9223372036854775807 +0000", b"", b"end of time"),
        commit(b"a <b> 99999999999999999999 +0000", b"", b"beyond"),
        commit(b"a <b> -1 +0000", b"", b"before"),
        commit(b"a b 1700000000 +0000", b"", b"no mail"),
        b"tree 123\n\nx".to_vec(),
        b"".to_vec(),
    ]
    .into_iter()
    .enumerate()
    {
        let oid = work.git_with(&["hash-object", "-w", "--literally", "-t", "commit", "--stdin"], &data).await;
        let oid = String::from_utf8(oid).unwrap().trim().to_owned();
        let pack = work.pack_of(&[&oid]).await;
        let name = format!("odd-{number}");
        let said = push_raw(&work, None, &oid, &format!("refs/heads/{name}"), &pack).await;
        let shown = data.escape_ascii().to_string();
        assert!(!said.contains("Internal"), "{shown}: {said}");
        if said.contains("ok refs/heads/") {
            for path in [
                format!("/api/models/ada/bert/commits/{name}"),
                format!("/api/models/ada/bert/tree/{name}?expand=true"),
                format!("/api/models/ada/bert/revision/{name}"),
            ] {
                let response = ada.request(reqwest::Method::GET, &path).send().await.unwrap();
                assert_eq!(response.status(), 200, "{path} of {shown}");
            }
            let response = ada.request(reqwest::Method::GET, &format!("/ada/bert/commits/{name}")).send().await.unwrap();
            assert!(!response.status().is_server_error(), "page of {shown}");
        }
        let head = ref_of(&hub, "bert", "refs/heads/main").await;
        let said = push_raw(&work, head.as_deref(), &oid, "refs/heads/main", &pack).await;
        assert!(!said.contains("Internal"), "{shown}: {said}");
    }
    ada.get_json("/api/models/ada/bert", 200).await;
    hub.stop().await;
}

#[tokio::test]
async fn odd_files_on_the_default_branch_do_no_harm() {
    let (hub, ada, work) = start().await;
    for (path, content) in [
        ("README.md", &b"\xff\xfe\0\0not text"[..]),
        ("README.md", b"---\nlicense: \"\\u0000\"\ntags: [\"\\u0000\", \"a\"]\n---\n"),
        ("README.md", b"---\n? [complex]\n: key\n---\n"),
        ("config.json", b"{\"architectures\": [\"\\u0000\"], \"model_type\": \"\\ud800\"}"),
        ("config.json", b"[[[[[[[[[[[[[[[["),
        ("model.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff{}"),
        ("x.gguf", b"GGUF\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("tokenizer_config.json", b"{\"chat_template\": 5}"),
    ] {
        work.commit(path, content).await;
        let output = work.run(&["push", "origin", "HEAD:main"], b"").await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("Internal"), "{path} {}: {said}", content.escape_ascii());
        if !output.status.success() {
            work.git(&["reset", "-q", "--hard", "HEAD~1"]).await;
        }
        ada.get_json("/api/models/ada/bert", 200).await;
        let page = ada.request(reqwest::Method::GET, "/ada/bert").send().await.unwrap();
        assert!(!page.status().is_server_error(), "{path} {}", content.escape_ascii());
    }
    std::fs::remove_file(work.file("README.md")).ok();
    std::os::unix::fs::symlink("../../../../etc/passwd", work.file("README.md")).unwrap();
    work.git(&["add", "-A"]).await;
    work.git(&["commit", "-q", "-m", "a card that leads away"]).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let text = ada.get("/ada/bert/resolve/main/README.md", 200).await.text().await.unwrap();
    assert!(!text.contains("root:"), "{text}");
    hub.jobs_done().await;
    hub.stop().await;
}
