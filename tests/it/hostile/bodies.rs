//! Bodies that clients send: commits, batches of Git LFS, what the API takes as JSON, and git's own.

use std::collections::BTreeSet;

use hub_tests::{Client, Value, json};
use proptest::prelude::*;
use reqwest::Method;

use super::damaging::{damage, damaged};
use super::{is_calm, promise, start};

const JSON: &[&str] = &[
    "null",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "\u{feff}",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "\n",
    ",",
    "}",
    "../",
    ".git/",
    "\"path\":",
    "\"oid\":",
    "\"size\":",
    "\"key\":\"header\"",
    "\"encoding\":\"base64\"",
    "\"deletedFolder\"",
    "\"lfsFile\"",
    "true",
    "é",
];

/// A body that is nested so deeply that a parser which follows it would run out of stack.
fn deep(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(100_000), close.repeat(100_000))
}

fn commit() -> String {
    [
        json!({ "key": "header", "value": { "summary": "s", "description": "d", "parentCommit": null } }),
        Client::file("x/new.txt", "text"),
        json!({ "key": "file", "value": { "path": "y.bin", "content": "AP8=", "encoding": "base64" } }),
        json!({ "key": "lfsFile", "value": { "path": "w.bin", "algo": "sha256", "oid": "ab".repeat(32), "size": 20 } }),
        json!({ "key": "deletedFile", "value": { "path": "d/b.json" } }),
    ]
    .map(|line| line.to_string())
    .join("\n")
}

/// All that a reader sees of the branch.
async fn listed(ada: &Client) -> BTreeSet<String> {
    let rows = ada.get_json("/api/models/ada/bert/tree/main?recursive=true", 200).await;
    rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_commits_are_refused_whole_or_taken_whole() {
    let (hub, ada) = start().await;
    promise(200, damage(), async |changes| {
        let body = damaged(commit().as_bytes(), JSON, &changes);
        let before = listed(&ada).await;
        let request =
            ada.request(Method::POST, "/api/models/ada/bert/commit/main").header("Content-Type", "application/x-ndjson");
        let status = is_calm(request.body(body).send().await).await?;
        let after = listed(&ada).await;
        prop_assert!(status == 200 || before == after, "a refused commit left {after:?}");
        for path in after {
            prop_assert!(!path.split('/').any(|name| matches!(name, "" | "." | ".." | ".git")), "{path}");
        }
        Ok(())
    });
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_batches_give_an_answer_for_each_object_or_none() {
    let (hub, ada) = start().await;
    let objects: Vec<Value> = (0..5).map(|n| json!({ "oid": format!("{n}").repeat(64), "size": n * 1000 + 1 })).collect();
    let batch = json!({ "operation": "upload", "transfers": ["basic", "multipart"], "hash_algo": "sha_256", "ref": { "name": "main" }, "objects": objects });
    let words: Vec<&str> = [JSON, &["\"download\"", "\"basic\"", "\"objects\":["]].concat();
    promise(200, damage(), async |changes| {
        let body = damaged(batch.to_string().as_bytes(), &words, &changes);
        let request = ada.request(Method::POST, "/ada/bert.git/info/lfs/objects/batch");
        is_calm(request.header("Content-Type", "application/vnd.git-lfs+json").body(body).send().await).await?;
        Ok(())
    });
    assert_eq!(hub.count("repo_lfs_objects").await, 0);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_json_of_the_api_is_refused_in_words() {
    let (hub, ada) = start().await;
    let proposal = Client::file("new.txt", "one\ntwo\n");
    let made = ada.commit("/api/models/ada/bert", "main?create_pr=1", &[proposal], 200).await;
    let anchor = json!({ "path": "new.txt", "side": "new", "line": 2, "commit": made["commitOid"] });
    let remark = json!({ "comment": "c", "anchor": anchor, "replyTo": null });
    let doors = [
        ("/api/models/ada/bert/preupload/main", json!({ "files": [{ "path": "w.bin", "size": 10, "sample": "AP8=" }] })),
        ("/api/models/ada/bert/paths-info/main", json!({ "paths": ["a.txt", "d"], "expand": true })),
        ("/api/models/ada/bert/branch/side", json!({ "startingPoint": "main", "emptyBranch": false })),
        ("/api/models/ada/bert/tag/main", json!({ "tag": "v1", "message": "m" })),
        ("/api/repos/create", json!({ "type": "model", "name": "other", "organization": "ada", "private": false })),
        ("/api/repos/move", json!({ "fromRepo": "ada/none", "toRepo": "ada/bert2", "type": "model" })),
        ("/ada/bert.git/info/lfs/locks", json!({ "path": "a.txt", "ref": { "name": "refs/heads/main" } })),
        ("/ada/bert.git/info/lfs/locks/verify", json!({ "cursor": "", "limit": 10 })),
        ("/api/models/ada/bert/discussions", json!({ "title": "t", "description": "d", "pullRequest": false })),
        ("/api/models/ada/bert/discussions/1/comment", remark),
    ];
    promise(300, (0..doors.len(), damage()), async |(door, changes)| {
        let (path, body) = &doors[door];
        let body = damaged(body.to_string().as_bytes(), JSON, &changes);
        let request = ada.request(Method::POST, path).header("Content-Type", "application/json");
        is_calm(request.body(body).send().await).await?;
        Ok(())
    });
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_without_end_is_refused_everywhere() {
    let (hub, ada) = start().await;
    let bodies = [deep("[", "]"), deep("{\"a\":", "}"), deep("{\"value\":{\"path\":[", "]}}"), "[".repeat(200_000)];
    for body in bodies {
        for (path, kind) in [
            ("/api/models/ada/bert/preupload/main", "application/json"),
            ("/api/models/ada/bert/paths-info/main", "application/json"),
            ("/api/repos/create", "application/json"),
            ("/ada/bert.git/info/lfs/objects/batch", "application/vnd.git-lfs+json"),
            ("/api/models/ada/bert/commit/main", "application/x-ndjson"),
            ("/api/validate-yaml", "application/json"),
        ] {
            let answer = ada.request(Method::POST, path).header("Content-Type", kind).body(body.clone()).send().await.unwrap();
            let status = answer.status().as_u16();
            // Judging a card is answered with what is wrong with it.
            let judged = path == "/api/validate-yaml" && status == 200;
            assert!(judged || (400..500).contains(&status), "{path}: {status}");
        }
        // As the content of a file it is nobody's business, until somebody looks at it.
        let (card, json) = (
            Client::file("README.md", &format!("---\na: {body}\n---\n> {}", "> ".repeat(5000))),
            Client::file("deep.json", &body),
        );
        let config = Client::file("config.json", &body);
        ada.commit("/api/models/ada/bert", "main", &[json, config, Client::file("n.ipynb", &body)], 200).await;
        for page in ["/ada/bert", "/ada/bert/blob/main/deep.json", "/ada/bert/blob/main/n.ipynb", "/api/models/ada/bert"] {
            ada.get(page, 200).await;
        }
        let header = json!({ "key": "header", "value": { "summary": "s" } });
        let request =
            ada.request(Method::POST, "/api/models/ada/bert/commit/main").header("Content-Type", "application/x-ndjson");
        let status = request.body(format!("{header}\n{card}")).send().await.unwrap().status().as_u16();
        assert!(status == 200 || (400..500).contains(&status), "{status}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_requests_of_git_end() {
    let (hub, ada) = start().await;
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let head = ada.get_json("/api/models/ada/bert/refs", 200).await["branches"][0]["targetCommit"].as_str().unwrap().to_owned();
    let fetch = [
        packet("command=fetch\n"),
        packet("agent=git/2.47\n"),
        packet("object-format=sha1\n"),
        "0001".into(),
        packet("thin-pack\n"),
        packet("ofs-delta\n"),
        packet(&format!("want {head}\n")),
        packet("deepen 1\n"),
        packet("done\n"),
        "0000".into(),
    ]
    .concat();
    let list = [
        packet("command=ls-refs\n"),
        packet("object-format=sha1\n"),
        "0001".into(),
        packet("peel\n"),
        packet("ref-prefix refs/heads/\n"),
        "0000".into(),
    ]
    .concat();
    let words = [
        "0000",
        "0001",
        "0002",
        "0003",
        "fff0",
        "ffff",
        "0009done\n",
        "want ",
        "have ",
        "shallow ",
        "deepen-since -1\n",
        "filter tree:0\n",
        "filter sparse:oid=x\n",
        "refs/",
        "\u{0}",
    ];
    promise(60, (any::<bool>(), damage()), async |(fetches, changes)| {
        let body = damaged(if fetches { fetch.as_bytes() } else { list.as_bytes() }, &words, &changes);
        let request = ada.request(Method::POST, "/ada/bert.git/git-upload-pack").header("Git-Protocol", "version=2");
        let request = request.header("Content-Type", "application/x-git-upload-pack-request").body(body);
        let answer = request.send().await.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(answer.status().as_u16() < 500, "{}", answer.status());
        // The answer has begun by the time git gives up: it may end early.
        let _ = answer.bytes().await;
        Ok(())
    });
    ada.get("/ada/bert.git/info/refs?service=git-upload-pack", 200).await;
    hub.stop().await;
}
