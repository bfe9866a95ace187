use super::{ref_of, scratch_is_empty, start};
use crate::work::Work;

/// The clone gets three commits on `main` and they are pushed.
async fn push_history(work: &Work) {
    work.commit("dir/a.txt", b"one\n").await;
    work.commit("dir/b.bin", &[9; 5_000]).await;
    work.commit("dir/a.txt", b"two\n").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
}

#[tokio::test]
async fn what_is_pushed_can_be_cloned_in_every_protocol_version() {
    let (hub, _, work) = start().await;
    push_history(&work).await;
    assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, Some(work.head().await));
    for version in ["0", "1", "2"] {
        for path in ["/ada/bert", "/ada/bert.git", "/Ada/BERT"] {
            let option = format!("protocol.version={version}");
            let clone = Work::clone_with(&hub.anonymous(), path, &["-c", &option]).await;
            assert_eq!(clone.head().await, work.head().await);
            assert_eq!(std::fs::read(clone.file("dir/a.txt")).unwrap(), b"two\n");
            clone.git(&["fsck", "--strict"]).await;
        }
    }
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_fetch_brings_what_is_new() {
    let (hub, _, work) = start().await;
    push_history(&work).await;
    let clone = Work::clone(&hub.anonymous(), "/ada/bert").await;
    let new = work.commit("c.txt", b"three\n").await;
    work.git(&["push", "-q", "origin", "HEAD:main", "HEAD:refs/tags/v1"]).await;
    clone.git(&["fetch", "-q", "--tags"]).await;
    assert_eq!(clone.git(&["rev-parse", "origin/main", "v1"]).await, format!("{new}\n{new}"));
    hub.stop().await;
}

#[tokio::test]
async fn shallow_clones_can_be_deepened_and_pushed_from() {
    let (hub, ada, work) = start().await;
    push_history(&work).await;
    let shallow = Work::clone_with(&ada, "/ada/bert", &["--depth", "1"]).await;
    assert_eq!(shallow.git(&["rev-list", "--count", "HEAD"]).await, "1");
    shallow.commit("from-shallow.txt", b"x").await;
    shallow.git(&["push", "-q", "origin", "HEAD:main"]).await;
    shallow.git(&["fetch", "-q", "--unshallow"]).await;
    let full = Work::clone(&ada, "/ada/bert").await;
    assert_eq!(shallow.git(&["rev-list", "--count", "HEAD"]).await, full.git(&["rev-list", "--count", "HEAD"]).await);
    hub.stop().await;
}

#[tokio::test]
async fn partial_clones_fetch_blobs_when_they_need_them() {
    let (hub, _, work) = start().await;
    push_history(&work).await;
    for filter in ["blob:none", "blob:limit=1k", "tree:0"] {
        let option = format!("--filter={filter}");
        let clone = Work::clone_with(&hub.anonymous(), "/ada/bert", &["--no-checkout", &option]).await;
        let missing = clone.git(&["rev-list", "--objects", "--all", "--missing=print"]).await;
        assert!(missing.contains("\n?"), "{filter} leaves nothing out: {missing}");
        clone.git(&["checkout", "-q", "main"]).await;
        assert_eq!(std::fs::read(clone.file("dir/a.txt")).unwrap(), b"two\n");
        assert_eq!(std::fs::read(clone.file("dir/b.bin")).unwrap(), [9; 5_000]);
    }
    hub.stop().await;
}

#[tokio::test]
async fn pull_request_refs_can_be_fetched() {
    let (hub, _, work) = start().await;
    push_history(&work).await;
    let sql = "insert into refs (repo_pk, name, oid) select repo_pk, 'refs/pr/1', oid from refs where name = 'refs/heads/main'";
    sqlx::query(sql).execute(&hub.app().pool).await.unwrap();
    let clone = Work::clone(&hub.anonymous(), "/ada/bert").await;
    clone.git(&["fetch", "-q", "origin", "refs/pr/1:pr/1"]).await;
    assert_eq!(clone.git(&["rev-parse", "pr/1"]).await, work.head().await);
    hub.stop().await;
}

#[tokio::test]
async fn a_branch_deleted_elsewhere_is_not_advertised() {
    let (hub, ada, work) = start().await;
    push_history(&work).await;
    work.git(&["push", "-q", "origin", "HEAD:gone"]).await;
    assert!(Work::clone(&ada, "/ada/bert").await.git(&["branch", "-r"]).await.contains("origin/gone"));
    // As another node would: this one's disk knows nothing of it.
    sqlx::query("delete from refs where name = 'refs/heads/gone'").execute(&hub.app().pool).await.unwrap();
    assert!(!Work::clone(&ada, "/ada/bert").await.git(&["branch", "-r"]).await.contains("origin/gone"));
    hub.stop().await;
}

#[tokio::test]
async fn a_cache_that_is_deleted_is_made_again() {
    let (hub, _, work) = start().await;
    push_history(&work).await;
    Work::clone(&hub.anonymous(), "/ada/bert").await;
    let cache = hub.app().git.temp_dir().parent().unwrap().to_owned();
    std::fs::remove_dir_all(cache.join("repos")).unwrap();
    std::fs::remove_dir_all(cache.join("packs")).unwrap();
    let clone = Work::clone(&hub.anonymous(), "/ada/bert").await;
    assert_eq!(clone.head().await, work.head().await);
    hub.stop().await;
}

#[tokio::test]
async fn the_dumb_protocol_is_refused_with_a_hint() {
    let (hub, _, _) = start().await;
    let anonymous = hub.anonymous();
    let text = anonymous.get("/ada/bert/info/refs", 403).await.text().await.unwrap();
    assert!(text.contains("smart HTTP"), "{text}");
    anonymous.get("/ada/bert/info/refs?service=git-upload-archive", 403).await;
    hub.stop().await;
}
