//! Archives of a revision, unpacked by the tools that people have.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use hub_tests::{Client, TestHub, json};
use reqwest::Method;
use tokio::process::Command;

use crate::lfs::{Large, hubs, upload};
use crate::work::Work;

/// A model with a large file, folders, a link, a program and a name that needs more than a tar header's place.
async fn model(hub: &TestHub) -> (Client, Large, String) {
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let weights = Large::of(3_000_000, 7);
    upload(&ada, "ada/bert", &weights).await;
    let work = Work::clone(&ada, "/ada/bert").await;
    let long = format!("{}/{}/deep \u{e9}.txt", "folder-".repeat(15), "inner-".repeat(15));
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", weights.oid, weights.bytes.len());
    work.write("data/model.bin", pointer.as_bytes());
    work.write("data/empty.txt", b"");
    work.write("outside.txt", b"not in the folder\n");
    work.write(&long, b"deep\n");
    work.write("run.sh", b"#!/bin/sh\n");
    std::fs::set_permissions(work.path().join("run.sh"), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    std::os::unix::fs::symlink("outside.txt", work.path().join("link")).expect("a link");
    work.commit("README.md", b"# Card\n").await;
    work.git(&["push", "-q", "origin", "HEAD:main", "HEAD:feat/x"]).await;
    (ada, weights, long)
}

/// Fetches an archive and unpacks it with `tar` or Python.
async fn unpack(client: &Client, path: &str, into: &Path) {
    let bytes = client.get(path, 200).await.bytes().await.expect("all of it");
    let file = into.join("archive");
    std::fs::write(&file, &bytes).expect("a file");
    let mut command = match path.contains(".zip") {
        true => Command::new("python3"),
        false => Command::new("tar"),
    };
    match path.contains(".zip") {
        true => command.args(["-m", "zipfile", "-e", "archive", "."]),
        false => command.args(["-xzf", "archive"]),
    };
    let done = command.current_dir(into).stdin(Stdio::null()).output().await.expect("it runs");
    assert!(done.status.success(), "{path}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn archives_hold_every_file_whole_on_each_store() {
    for hub in hubs().await {
        let (ada, weights, long) = model(&hub).await;
        for ending in ["tar.gz", "zip"] {
            let folder = tempfile::tempdir().expect("a folder");
            unpack(&ada, &format!("/ada/bert/archive/main.{ending}"), folder.path()).await;
            let root = folder.path().join("bert-main");
            let read = |path: &str| std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{ending} {path}: {error}"));
            assert!(read("data/model.bin") == weights.bytes, "{ending}: the large file is whole");
            assert_eq!(
                (read("data/empty.txt"), read(&long), read("README.md")),
                (vec![], b"deep\n".to_vec(), b"# Card\n".to_vec())
            );
            if ending == "tar.gz" {
                let mode = |path: &str| std::fs::metadata(root.join(path)).expect(path).permissions().mode() & 0o111;
                assert!(mode("run.sh") != 0 && mode("README.md") == 0);
                assert_eq!(std::fs::read_link(root.join("link")).expect("a link").to_str(), Some("outside.txt"));
            }
        }
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_folder_and_a_branch_with_a_slash_have_their_own() {
    let hub = TestHub::start().await;
    let (ada, weights, _) = model(&hub).await;
    let folder = tempfile::tempdir().expect("a folder");
    unpack(&ada, "/ada/bert/archive/feat%2Fx.tar.gz?path=data", folder.path()).await;
    let root = folder.path().join("bert-feat-x");
    assert!(std::fs::read(root.join("data/model.bin")).expect("the file") == weights.bytes);
    assert!(!root.join("README.md").exists() && !root.join("outside.txt").exists());
    hub.stop().await;
}

#[tokio::test]
async fn heads_tell_name_and_commit_and_what_is_not_there_is_told() {
    let hub = TestHub::start().await;
    let (ada, ..) = model(&hub).await;
    let head = ada.head("/ada/bert/archive/main.zip", 200).await;
    let header = |name: &str| head.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "application/zip");
    assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''bert-main.zip; filename=\"bert-main.zip\";");
    let commit = ada.get_json("/api/models/ada/bert", 200).await["sha"].as_str().expect("an id").to_owned();
    assert_eq!(header("x-repo-commit"), commit);
    let pinned = ada.head(&format!("/ada/bert/archive/{commit}.tar.gz?path=data"), 200).await;
    let name = pinned.headers()["content-disposition"].to_str().expect("text").to_owned();
    assert!(name.contains(&format!("\"bert-{}-data.tar.gz\"", &commit[..12])), "{name}");
    for path in ["none.zip", "main.rar", "main", ".zip", "main.zip?path=none", "main.zip?path=README.md"] {
        ada.get(&format!("/ada/bert/archive/{path}"), 404).await;
    }
    ada.call(Method::PUT, "/api/models/ada/bert/settings", &json!({ "gated": "manual" }), 200).await;
    hub.anonymous().get("/ada/bert/archive/main.zip", 401).await;
    hub.stop().await;
}
