//! The real `git lfs` pushes and pulls.

use super::{Large, PART, hubs};
use crate::work::Work;

/// A clone in which `*.bin` goes to LFS.
async fn with_lfs(client: &hub_tests::Client) -> Work {
    let work = Work::clone(client, "/ada/bert").await;
    work.git(&["lfs", "install", "--local"]).await;
    work
}

#[tokio::test]
async fn large_files_are_pushed_and_pulled() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let work = with_lfs(&ada).await;
        work.git(&["lfs", "track", "*.bin"]).await;
        let (small, large) = (Large::of(1000, 1), Large::of(PART + 1000, 2));
        work.write("small.bin", &small.bytes);
        work.write("empty.bin", b"");
        work.commit("deep/large.bin", &large.bytes).await;
        work.git(&["push", "-q", "origin", "HEAD:main"]).await;

        // Nobody in particular reads it.
        let copy = Work::clone(&hub.anonymous(), "/ada/bert").await;
        assert!(std::fs::read_to_string(copy.file("small.bin")).expect("a file").starts_with("version https://git-lfs"));
        copy.git(&["lfs", "install", "--local"]).await;
        copy.git(&["lfs", "pull"]).await;
        assert!(std::fs::read(copy.file("small.bin")).expect("a file") == small.bytes);
        assert!(std::fs::read(copy.file("deep/large.bin")).expect("a file") == large.bytes);
        assert_eq!(copy.git(&["status", "--porcelain"]).await, "");
        copy.git(&["lfs", "fsck"]).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn a_pointer_without_its_bytes_is_refused() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let work = with_lfs(&ada).await;
        work.git(&["lfs", "track", "*.bin"]).await;
        work.commit("a.bin", &Large::of(1000, 1).bytes).await;
        let complaint = work.refused(&["-c", "lfs.allowincompletepush=true", "push", "--no-verify", "origin", "HEAD:main"]).await;
        assert!(complaint.contains("git lfs push"), "{complaint}");
        work.git(&["lfs", "push", "--all", "origin"]).await;
        work.git(&["push", "-q", "origin", "HEAD:main"]).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn files_are_locked_and_unlocked() {
    let hub = hub_tests::TestHub::start().await;
    let ada = hub.user("ada").await;
    ada.create_repo("model", "ada/bert", false).await;
    let work = with_lfs(&ada).await;
    work.git(&["lfs", "track", "*.bin"]).await;
    work.commit("a.bin", &Large::of(1000, 1).bytes).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    work.git(&["lfs", "lock", "a.bin"]).await;
    assert!(work.git(&["lfs", "locks"]).await.contains("ada"));
    work.git(&["lfs", "unlock", "a.bin"]).await;
    assert_eq!(work.git(&["lfs", "locks"]).await, "");
    hub.stop().await;
}

#[tokio::test]
async fn uploads_that_nobody_verified_are_verified_by_the_push() {
    for hub in hubs().await {
        let ada = hub.user("ada").await;
        ada.create_repo("model", "ada/bert", false).await;
        let (file, lie) = (Large::of(1000, 1), Large::of(1000, 2));
        let pointer = |file: &Large| {
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", file.oid, file.bytes.len())
        };
        let work = Work::clone(&ada, "/ada/bert").await;
        let object = super::entry(&ada, "ada/bert", "upload", &file).await;
        super::follow(&object, &lie.bytes).await;
        work.commit("a.bin", pointer(&file).as_bytes()).await;
        work.refused(&["push", "origin", "HEAD:main"]).await;
        assert!(super::follow(&object, &file.bytes).await.status().is_success());
        work.git(&["push", "-q", "origin", "HEAD:main"]).await;
        assert!(super::download(&ada, "ada/bert", &file).await == file.bytes);
        hub.stop().await;
    }
}
