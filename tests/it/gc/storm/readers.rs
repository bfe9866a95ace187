//! People who download and clone what stays, every way there is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hub_tests::{Client, json};
use reqwest::Method;

use crate::gc::download;
use crate::lfs::Large;
use crate::xet::client::{Packed, assemble, random, read_token, reconstruction};

/// A file in a repository and in a bucket that nobody takes away, of chunks that others have, too.
pub(super) struct Kept(Packed);

impl Kept {
    pub(super) async fn put(ada: &Client) -> Self {
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

    /// Gets it every way there is until told to stop, and counts how often.
    pub(super) async fn read(&self, ada: &Client, stop: &AtomicBool, reads: &AtomicU64) {
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
            reads.store(rounds, Ordering::Relaxed);
        }
    }
}

/// Clones, which looks whether all that was sent hangs together, and reads all of it again.
pub(super) async fn clone(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["clone", "--quiet", url, "."], ["fsck", "--full", "--strict", "--no-dangling"]] {
        let mut git = tokio::process::Command::new("git");
        git.args(arguments).current_dir(folder.path()).env("GIT_LFS_SKIP_SMUDGE", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = git.output().await.unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Reads every large file of a repository that nobody changes.
pub(super) async fn read_whole(ada: &Client, name: &str) {
    let tree = ada.get_json(&format!("/api/models/ada/{name}/tree/main"), 200).await;
    for entry in tree.as_array().unwrap().iter().filter(|entry| entry["lfs"].is_object()) {
        let path = entry["path"].as_str().unwrap();
        let bytes = download(ada, &format!("ada/{name}"), path).await;
        assert_eq!(entry["lfs"]["oid"], Large::new(bytes).oid, "{name}/{path}");
    }
}
