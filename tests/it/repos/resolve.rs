//! `resolve` and `raw`: every header that a client reads, for files in git and large ones, on each kind of store.

use hub_tests::{Client, TestHub, json};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};

use crate::lfs::{Large, hubs, upload};
use crate::work::Work;

const WEIGHTS: usize = 300_000;

/// A public model with a text file, an empty one, dangerous ones and a large one; gives its head.
async fn model(hub: &TestHub) -> (Client, String, Large) {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let weights = Large::of(WEIGHTS, 7);
    upload(&ada, "ada/bert", &weights).await;
    let work = Work::clone(&ada, "/ada/bert").await;
    for (path, content) in [
        ("config.json", b"{\"a\": 1}\n".as_slice()),
        ("empty.txt", b""),
        ("page.html", b"<script>alert(1)</script>"),
        ("dir/a b#?%.svg", b"<svg onload='alert(1)'/>"),
        ("dir/\u{e9}.txt", b"accents"),
        ("README.md", b"# Card\n"),
        ("model.safetensors", pointer(&weights).as_bytes()),
    ] {
        work.write(path, content);
    }
    let head = work.commit("last.txt", b"last").await;
    work.git(&["push", "-q", "origin", "HEAD:main", "HEAD:feat/x"]).await;
    work.git(&["tag", "-a", "-m", "first", "v1.0"]).await;
    work.git(&["push", "-q", "origin", "v1.0"]).await;
    (ada, head, weights)
}

fn pointer(file: &Large) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", file.oid, file.bytes.len())
}

async fn fetch(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("the hub answers")
}

/// `GET`, and on to where it leads, without credentials, as clients do.
async fn follow(client: &Client, path: &str, headers: &[(&str, &str)]) -> Response {
    let first = fetch(client, Method::GET, path, headers).await;
    if first.status() != 302 {
        return first;
    }
    let mut request = reqwest::Client::new().get(text(first.headers(), "location"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("the store answers")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap_or_else(|| panic!("no header {name} in {headers:?}")).to_str().expect("text")
}

#[tokio::test]
async fn small_files_carry_the_headers_that_clients_read() {
    let hub = TestHub::start().await;
    let (ada, head, _) = model(&hub).await;
    for method in [Method::HEAD, Method::GET] {
        let answer = fetch(&ada, method.clone(), "/ada/bert/resolve/main/config.json", &[("Accept-Encoding", "gzip, br")]).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(text(headers, "x-repo-commit"), head);
        assert_eq!(text(headers, "etag"), format!("\"{}\"", git_blob(b"{\"a\": 1}\n")));
        assert_eq!(text(headers, "content-length"), "9", "also of HEAD");
        assert_eq!(text(headers, "accept-ranges"), "bytes");
        assert_eq!(text(headers, "content-disposition"), "inline; filename*=UTF-8''config.json; filename=\"config.json\";");
        assert_eq!(text(headers, "content-type"), "text/plain; charset=utf-8");
        assert!(!headers.contains_key("content-encoding") && !headers.contains_key("x-linked-size"));
        let body = answer.bytes().await.expect("a body");
        assert_eq!(body.as_ref(), if method == Method::GET { b"{\"a\": 1}\n".as_slice() } else { b"" });
    }
    hub.stop().await;
}

fn git_blob(content: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("git")
        .args(["hash-object", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git runs");
    child.stdin.take().expect("a pipe").write_all(content).expect("git reads");
    String::from_utf8(child.wait_with_output().expect("git ends").stdout).expect("hex").trim().to_owned()
}

#[tokio::test]
async fn large_files_carry_the_headers_that_clients_read() {
    for hub in hubs().await {
        let (ada, head, weights) = model(&hub).await;
        let path = "/ada/bert/resolve/main/model.safetensors";
        let etag = format!("\"{}\"", weights.oid);
        let answer = fetch(&ada, Method::HEAD, path, &[]).await;
        assert_eq!(answer.status(), 200, "a presigned URL could not be asked by HEAD");
        assert_eq!(text(answer.headers(), "content-length"), WEIGHTS.to_string());
        let first = fetch(&ada, Method::GET, path, &[]).await;
        for headers in [answer.headers(), first.headers()] {
            assert_eq!(text(headers, "x-repo-commit"), head);
            assert_eq!(text(headers, "etag"), etag);
            assert_eq!(text(headers, "x-linked-etag"), etag);
            assert_eq!(text(headers, "x-linked-size"), WEIGHTS.to_string());
            assert_eq!(text(headers, "accept-ranges"), "bytes");
        }
        if hub.app().store.presigns_reads() {
            assert_eq!(first.status(), 302);
            assert!(text(first.headers(), "cache-control").contains("no-store"));
        }
        let last = follow(&ada, path, &[]).await;
        assert_eq!(last.status(), 200);
        assert_eq!(
            text(last.headers(), "content-disposition"),
            "inline; filename*=UTF-8''model.safetensors; filename=\"model.safetensors\";"
        );
        assert_eq!(text(last.headers(), "content-type"), "application/octet-stream");
        assert!(last.bytes().await.expect("bytes").as_ref() == weights.bytes);
        hub.stop().await;
    }
}

#[tokio::test]
async fn ranges_work_for_small_and_large_files() {
    for hub in hubs().await {
        let (ada, _, weights) = model(&hub).await;
        let small = b"{\"a\": 1}\n".to_vec();
        for (name, bytes) in [("config.json", &small), ("model.safetensors", &weights.bytes)] {
            let path = format!("/ada/bert/resolve/main/{name}");
            let size = bytes.len();
            for (range, expected) in [
                ("bytes=0-0".to_owned(), 0..1),
                ("bytes=2-4".to_owned(), 2..5),
                ("bytes=5-".to_owned(), 5..size),
                ("bytes=-3".to_owned(), size - 3..size),
                (format!("bytes=1-{}", size * 2), 1..size),
            ] {
                let part = follow(&ada, &path, &[("Range", &range)]).await;
                assert_eq!(part.status(), 206, "{name} {range}");
                let shown = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
                assert_eq!(text(part.headers(), "content-range"), shown);
                assert_eq!(text(part.headers(), "content-length"), expected.len().to_string());
                assert!(part.bytes().await.expect("bytes") == bytes[expected], "{name} {range}");
            }
            let outside = follow(&ada, &path, &[("Range", &format!("bytes={size}-"))]).await;
            assert_eq!(outside.status(), 416);
            assert_eq!(text(outside.headers(), "content-range"), format!("bytes */{size}"));
            let several = fetch(&ada, Method::HEAD, &path, &[("Range", "bytes=0-0")]).await;
            assert_eq!(several.status(), 200, "HEAD knows no ranges");
        }
        let empty = fetch(&ada, Method::GET, "/ada/bert/resolve/main/empty.txt", &[("Range", "bytes=0-0")]).await;
        assert_eq!(empty.status(), 200);
        assert_eq!(text(empty.headers(), "content-range"), "bytes */0");
        assert_eq!(text(empty.headers(), "content-length"), "0");
        hub.stop().await;
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let hub = TestHub::start().await;
    let (ada, head, weights) = model(&hub).await;
    for (name, etag) in [("config.json", git_blob(b"{\"a\": 1}\n")), ("model.safetensors", weights.oid.clone())] {
        for tag in [format!("\"{etag}\""), format!("W/\"{etag}\""), format!("\"other\", \"{etag}\""), "*".to_owned()] {
            let path = format!("/ada/bert/resolve/main/{name}");
            let answer = fetch(&ada, Method::GET, &path, &[("If-None-Match", &tag)]).await;
            assert_eq!(answer.status(), 304, "{tag}");
            assert_eq!(text(answer.headers(), "x-repo-commit"), head);
            assert!(answer.bytes().await.expect("a body").is_empty());
        }
        let answer = fetch(&ada, Method::GET, &format!("/ada/bert/resolve/main/{name}"), &[("If-None-Match", "\"other\"")]).await;
        assert_eq!(answer.status(), 200);
    }
    let moving = fetch(&ada, Method::HEAD, "/ada/bert/resolve/main/config.json", &[]).await;
    assert_eq!(text(moving.headers(), "cache-control"), "public, no-cache, no-transform");
    let pinned = fetch(&ada, Method::HEAD, &format!("/ada/bert/resolve/{head}/config.json"), &[]).await;
    assert!(text(pinned.headers(), "cache-control").contains("immutable"));
    hub.stop().await;
}

#[tokio::test]
async fn revisions_are_found_by_every_name() {
    let hub = TestHub::start().await;
    let (ada, head, _) = model(&hub).await;
    let short = &head[..7];
    for revision in
        ["main", "feat%2Fx", "refs%2Fheads%2Fmain", "refs/heads/main", "v1.0", "refs%2Ftags%2Fv1.0", &head, short, "HEAD"]
    {
        let answer = fetch(&ada, Method::HEAD, &format!("/ada/bert/resolve/{revision}/config.json"), &[]).await;
        assert_eq!(answer.status(), 200, "{revision}");
        assert_eq!(text(answer.headers(), "x-repo-commit"), head, "{revision}");
    }
    for revision in ["none", "refs%2Fheads%2Fnone", "0123456789012345678901234567890123456789", "..", "%00", "a..b", "main~1"] {
        let answer = fetch(&ada, Method::GET, &format!("/ada/bert/resolve/{revision}/config.json"), &[]).await;
        assert_eq!(answer.status(), 404, "{revision}");
        if revision != ".." {
            assert_eq!(text(answer.headers(), "x-error-code"), "RevisionNotFound", "{revision}");
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn missing_files_are_missing_in_a_commit() {
    let hub = TestHub::start().await;
    let (ada, head, _) = model(&hub).await;
    for path in
        ["nothing.json", "dir", "dir/", "config.json/x", "dir/nothing", "", "..%2f..%2fetc/passwd", ".git/config", "a%00b", "%ff"]
    {
        for door in ["resolve", "raw"] {
            for method in [Method::GET, Method::HEAD] {
                let answer = fetch(&ada, method, &format!("/ada/bert/{door}/main/{path}"), &[]).await;
                assert_eq!(answer.status(), 404, "{path}");
                assert_eq!(text(answer.headers(), "x-error-code"), "EntryNotFound", "{path}");
                if path != "%ff" {
                    assert_eq!(text(answer.headers(), "x-repo-commit"), head, "{path}");
                }
                assert_eq!(text(answer.headers(), "x-error-message"), "Entry not found");
                assert!(text(answer.headers(), "content-type").starts_with("text/plain"));
            }
        }
    }
    hub.stop().await;
}

#[tokio::test]
async fn names_with_odd_characters_are_found() {
    let hub = TestHub::start().await;
    let (ada, _, _) = model(&hub).await;
    for path in ["dir/a%20b%23%3F%25.svg", "dir%2Fa%20b%23%3f%25.svg"] {
        let answer = fetch(&ada, Method::GET, &format!("/ada/bert/resolve/main/{path}"), &[]).await;
        assert_eq!(answer.status(), 200, "{path}");
        let disposition = text(answer.headers(), "content-disposition");
        assert_eq!(disposition, "inline; filename*=UTF-8''a%20b%23%3F%25.svg; filename=\"a b#?_.svg\";");
    }
    let answer = fetch(&ada, Method::GET, "/ada/bert/resolve/main/dir/%C3%A9.txt", &[]).await;
    assert_eq!(answer.text().await.expect("a text"), "accents");
    hub.stop().await;
}

#[tokio::test]
async fn browsers_run_nothing_that_people_upload() {
    let hub = TestHub::start().await;
    let (ada, _, _) = model(&hub).await;
    // SVG shows in pictures, where nothing runs; opened by itself the sandbox stops it.
    for (path, content_type) in [("page.html", "text/plain; charset=utf-8"), ("dir/a%20b%23%3F%25.svg", "image/svg+xml")] {
        for door in ["resolve", "raw"] {
            let answer = fetch(&ada, Method::GET, &format!("/ada/bert/{door}/main/{path}"), &[]).await;
            assert_eq!(text(answer.headers(), "content-type"), content_type);
            assert_eq!(text(answer.headers(), "x-content-type-options"), "nosniff");
            assert!(text(answer.headers(), "content-security-policy").contains("sandbox"));
        }
    }
    let saved = fetch(&ada, Method::GET, "/ada/bert/resolve/main/page.html?download=true", &[]).await;
    assert!(text(saved.headers(), "content-disposition").starts_with("attachment; "));
    let bare = fetch(&ada, Method::GET, "/ada/bert/resolve/main/page.html?noContentDisposition=1", &[]).await;
    assert!(!bare.headers().contains_key("content-disposition"));
    hub.stop().await;
}

#[tokio::test]
async fn raw_shows_what_git_holds() {
    for hub in hubs().await {
        let (ada, _, weights) = model(&hub).await;
        let answer = fetch(&ada, Method::GET, "/ada/bert/raw/main/model.safetensors", &[]).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(text(answer.headers(), "etag"), format!("\"{}\"", git_blob(pointer(&weights).as_bytes())));
        assert_eq!(answer.text().await.expect("a text"), pointer(&weights));
        let head = fetch(&ada, Method::HEAD, "/ada/bert/raw/main/model.safetensors", &[]).await;
        assert_eq!(text(head.headers(), "content-length"), pointer(&weights).len().to_string());
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_private_repository_answers_strangers_like_a_missing_one() {
    let hub = TestHub::start().await;
    let _boss = hub.user("boss").await;
    let (ada, _, _) = model(&hub).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "private": true }), 200).await;
    let eve = hub.user("eve").await;
    for (who, status) in [(&hub.anonymous(), 401), (&eve, 404)] {
        for door in ["resolve", "raw"] {
            let mut seen = Vec::new();
            for repo in ["ada/bert", "ada/none"] {
                let answer = fetch(who, Method::GET, &format!("/{repo}/{door}/main/config.json"), &[]).await;
                assert_eq!(answer.status(), status);
                assert_eq!(text(answer.headers(), "x-error-code"), "RepoNotFound");
                seen.push(answer.text().await.expect("a text"));
            }
            assert_eq!(seen[0], seen[1]);
        }
    }
    let own = fetch(&ada, Method::GET, "/ada/bert/resolve/main/config.json", &[]).await;
    assert_eq!(text(own.headers(), "cache-control"), "private, no-cache, no-transform");
    hub.stop().await;
}

#[tokio::test]
async fn a_gated_repository_shows_its_card_alone() {
    let hub = TestHub::start().await;
    let _boss = hub.user("boss").await;
    let (ada, _, _) = model(&hub).await;
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "gated": "manual" }), 200).await;
    let eve = hub.user("eve").await;
    for (who, status) in [(&hub.anonymous(), 401), (&eve, 403)] {
        for path in ["resolve/main/config.json", "resolve/main/model.safetensors", "resolve/main/none", "raw/main/README.md"] {
            let answer = fetch(who, Method::HEAD, &format!("/ada/bert/{path}"), &[]).await;
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(text(answer.headers(), "x-error-code"), "GatedRepo");
        }
        assert_eq!(fetch(who, Method::GET, "/ada/bert/resolve/main/README.md", &[]).await.status(), 200);
    }
    assert_eq!(fetch(&ada, Method::HEAD, "/ada/bert/resolve/main/config.json", &[]).await.status(), 200);
    hub.stop().await;
}

#[tokio::test]
async fn old_names_lead_on_by_relative_redirects() {
    let hub = TestHub::start().await;
    let (ada, head, _) = model(&hub).await;
    ada.post_json("/api/repos/move", &json!({ "fromRepo": "ada/bert", "toRepo": "ada/new", "type": "model" }), 200).await;
    for method in [Method::GET, Method::HEAD] {
        let answer = fetch(&ada, method, "/ada/bert/resolve/main/dir%2F%C3%A9.txt", &[]).await;
        assert_eq!(answer.status(), 307);
        assert_eq!(text(answer.headers(), "location"), "/ada/new/resolve/main/dir%2F%C3%A9.txt");
    }
    let answer = fetch(&ada, Method::HEAD, "/ada/new/resolve/main/config.json", &[]).await;
    assert_eq!(text(answer.headers(), "x-repo-commit"), head);
    hub.stop().await;
}

#[tokio::test]
async fn ids_without_a_namespace_are_unknown_repositories() {
    let hub = TestHub::start().await;
    let answer = fetch(&hub.anonymous(), Method::HEAD, "/gpt2/resolve/main/config.json", &[]).await;
    assert_eq!((answer.status().as_u16(), text(answer.headers(), "x-error-code")), (401, "RepoNotFound"));
    hub.stop().await;
}
