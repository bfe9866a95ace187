use super::{ref_of, scratch_is_empty, start};
use crate::work::Work;

#[tokio::test]
async fn branches_and_tags_are_made_moved_and_deleted() {
    let (hub, _, work) = start().await;
    let first = work.commit("a.txt", b"1").await;
    let output = work.run(&["push", "--progress", "origin", "HEAD:main", "HEAD:feature/x", "HEAD:refs/tags/v1"], b"").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("remote: View your model at {}/ada/bert", hub.base())), "{said}");
    for name in ["refs/heads/main", "refs/heads/feature/x", "refs/tags/v1"] {
        assert_eq!(ref_of(&hub, "bert", name).await.as_deref(), Some(first.as_str()), "{name}");
    }
    let second = work.commit("a.txt", b"2").await;
    work.git(&["push", "-q", "origin", "HEAD:feature/x"]).await;
    assert_eq!(ref_of(&hub, "bert", "refs/heads/feature/x").await, Some(second));
    work.git(&["push", "-q", "origin", ":feature/x", ":refs/tags/v1"]).await;
    assert_eq!(ref_of(&hub, "bert", "refs/heads/feature/x").await, None);
    assert_eq!(ref_of(&hub, "bert", "refs/tags/v1").await, None);
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn annotated_tags_keep_their_object() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["tag", "-a", "-m", "first", "v1"]).await;
    work.git(&["push", "-q", "origin", "HEAD:main", "v1"]).await;
    let clone = Work::clone(&hub.anonymous(), "/ada/bert").await;
    assert_eq!(clone.git(&["cat-file", "-t", "v1"]).await, "tag");
    hub.stop().await;
}

#[tokio::test]
async fn history_can_be_rewritten_only_by_force() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    work.git(&["commit", "-q", "--amend", "-m", "rewritten"]).await;
    assert!(work.refused(&["push", "origin", "HEAD:main"]).await.contains("non-fast-forward"));
    work.git(&["push", "-q", "--force", "origin", "HEAD:main"]).await;
    assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, Some(work.head().await));
    hub.stop().await;
}

#[tokio::test]
async fn the_default_branch_cannot_be_deleted() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let said = work.refused(&["push", "origin", ":main"]).await;
    assert!(said.contains("`main` is the default branch"), "{said}");
    assert!(ref_of(&hub, "bert", "refs/heads/main").await.is_some());
    hub.stop().await;
}

#[tokio::test]
async fn each_ref_has_its_own_answer_unless_the_push_is_atomic() {
    let (hub, _, work) = start().await;
    let new = work.commit("a.txt", b"1").await;
    let said = work.refused(&["push", "origin", "HEAD:ok", "HEAD:refs/convert/parquet", "HEAD:refs/notes/x"]).await;
    assert!(said.contains("HEAD -> ok"), "{said}");
    assert!(said.contains("made by the hub") && said.contains("only branches and tags"), "{said}");
    assert_eq!(ref_of(&hub, "bert", "refs/heads/ok").await, Some(new));
    let said = work.refused(&["push", "--atomic", "origin", "HEAD:ok2", "HEAD:refs/convert/parquet"]).await;
    assert!(said.contains("atomic push"), "{said}");
    assert_eq!(ref_of(&hub, "bert", "refs/heads/ok2").await, None);
    hub.stop().await;
}

#[tokio::test]
async fn a_branch_in_the_way_is_named() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main", "HEAD:feature"]).await;
    let said = work.refused(&["push", "origin", "HEAD:feature/x", "HEAD:other"]).await;
    assert!(said.contains("'refs/heads/feature' exists; cannot create 'refs/heads/feature/x'"), "{said}");
    assert_eq!(ref_of(&hub, "bert", "refs/heads/feature/x").await, None);
    assert!(ref_of(&hub, "bert", "refs/heads/other").await.is_some(), "the others went on");
    hub.stop().await;
}

#[tokio::test]
async fn thin_packs_and_large_chunked_bodies_arrive() {
    let (hub, ada, work) = start().await;
    let lines: String = (0..20_000).map(|index| format!("line {index}\n")).collect();
    work.commit("text.txt", lines.as_bytes()).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    work.commit("text.txt", lines.replace("line 77\n", "LINE 77\n").as_bytes()).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    // More than http.postBuffer: git probes with an empty request, then sends in chunks.
    let noise: Vec<u8> = (0..6_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    work.commit("noise.dat", &noise).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let clone = Work::clone(&ada, "/ada/bert").await;
    clone.git(&["fsck", "--strict"]).await;
    assert_eq!(std::fs::read(clone.file("noise.dat")).unwrap(), noise);
    hub.stop().await;
}

#[tokio::test]
async fn push_options_are_taken() {
    let (hub, _, work) = start().await;
    work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "-o", "ci.skip", "-o", "title=a b", "origin", "HEAD:main"]).await;
    assert!(ref_of(&hub, "bert", "refs/heads/main").await.is_some());
    hub.stop().await;
}

#[tokio::test]
async fn a_push_is_told_to_the_event_log() {
    let (hub, _, work) = start().await;
    let new = work.commit("a.txt", b"1").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let sql = "select payload from events where kind = 'push' order by event_pk desc";
    let payload: hub_tests::Value = sqlx::query_scalar(sql).fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(payload["refs"][0]["ref"], "refs/heads/main");
    assert_eq!(payload["refs"][0]["new"], new.as_str());
    hub.stop().await;
}

#[tokio::test]
async fn what_lists_show_follows_the_default_branch() {
    let (hub, _, work) = start().await;
    work.commit("README.md", b"---\nlicense: mit\nlibrary_name: transformers\n---\n# Bert\n").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let sql = "select encode(head_oid, 'hex'), file_count, tags, library_name from repos";
    let (head, files, tags, library): (String, i64, Vec<String>, Option<String>) =
        sqlx::query_as(sql).fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!((head, files, library.as_deref()), (work.head().await, 2, Some("transformers")));
    assert!(tags.contains(&"license:mit".to_owned()), "{tags:?}");
    work.commit("other", b"x").await;
    work.git(&["push", "-q", "origin", "HEAD:draft"]).await;
    let files: i64 = sqlx::query_scalar("select file_count from repos").fetch_one(&hub.app().pool).await.unwrap();
    assert_eq!(files, 2, "another branch changes nothing");
    hub.stop().await;
}

#[tokio::test]
async fn a_mirror_brings_a_thousand_refs_at_once() {
    let (hub, ada, work) = start().await;
    work.commit("a.txt", b"1").await;
    let head = work.head().await;
    let lines: String = (0..1_000).map(|index| format!("create refs/tags/v{index} {head}\n")).collect();
    work.git_with(&["update-ref", "--stdin"], lines.as_bytes()).await;
    work.git(&["push", "-q", "--tags", "origin", "main"]).await;
    let clone = Work::clone(&ada, "/ada/bert").await;
    assert_eq!(clone.git(&["tag"]).await.lines().count(), 1_000);
    hub.stop().await;
}
