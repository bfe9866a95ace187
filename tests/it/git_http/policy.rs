use super::{ref_of, scratch_is_empty, start};
use crate::pages::browser::Browser;
use crate::work::Work;

#[tokio::test]
async fn large_files_are_refused_with_the_way_to_lfs() {
    let (hub, _, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await;
    work.commit("weights/model.bin", &vec![0; 10 * 1024 * 1024 + 1]).await;
    std::fs::remove_file(work.file("weights/model.bin")).unwrap();
    work.commit("b.txt", b"the file is gone, but it is in the history").await;
    let said = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(said.contains("remote: `weights/model.bin` has 10 MB"), "{said}");
    assert!(said.contains("git lfs track \"*.bin\"") && said.contains("git lfs migrate import"), "{said}");
    assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, before);
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn a_pointer_without_its_object_is_refused() {
    let (hub, _, work) = start().await;
    let sha256 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 12345\n");
    work.commit("model.safetensors", pointer.as_bytes()).await;
    let said = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(said.contains(&format!("model.safetensors ({sha256})")) && said.contains("git lfs push --all"), "{said}");
    // Somebody else's object is no better, nor is a wrong size.
    let sql = "insert into lfs_objects (oid, size_bytes) values (decode($1, 'hex'), 12346)";
    sqlx::query(sql).bind(sha256).execute(&hub.app().pool).await.unwrap();
    assert!(work.refused(&["push", "origin", "HEAD:main"]).await.contains("Git LFS objects are missing"));
    let sql = "insert into repo_lfs_objects (repo_pk, oid) select repo_pk, decode($1, 'hex') from repos";
    sqlx::query(sql).bind(sha256).execute(&hub.app().pool).await.unwrap();
    assert!(work.refused(&["push", "origin", "HEAD:main"]).await.contains("Git LFS objects are missing"));
    sqlx::query("update lfs_objects set size_bytes = 12345").execute(&hub.app().pool).await.unwrap();
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

#[tokio::test]
async fn names_that_break_checkouts_are_refused() {
    let (hub, _, work) = start().await;
    let before = ref_of(&hub, "bert", "refs/heads/main").await;
    work.commit("a.txt", b"1").await;
    let blob = work.blob(b"x").await;
    for name in [&b".."[..], b".git", b".GIT", b"git~1", b"a\\b", b"a\nb", b"\xff", b"a/b"] {
        let tree = work.raw_tree(&[("100644", name, &blob)]).await;
        let commit = work.commit_tree(&tree).await;
        let pack = work
            .pack_of(&[
                &blob,
                &tree,
                &commit,
                &work.head().await,
                &work.git(&["rev-parse", "HEAD^{tree}"]).await,
                &work.git(&["rev-parse", "HEAD:a.txt"]).await,
            ])
            .await;
        let said = super::hostile::push_raw(&work, before.as_deref(), &commit, "refs/heads/main", &pack).await;
        assert!(said.contains("ng refs/heads/main"), "{name:?}: {said}");
        assert_eq!(ref_of(&hub, "bert", "refs/heads/main").await, before, "{name:?}");
    }
    scratch_is_empty(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn symlinks_and_submodules_are_taken() {
    let (hub, _, work) = start().await;
    work.write("target", b"x");
    std::os::unix::fs::symlink("target", work.file("link")).unwrap();
    work.git(&["add", "-A"]).await;
    let cacheinfo = format!("160000,{},module", "1".repeat(40));
    work.git(&["update-index", "--add", "--cacheinfo", &cacheinfo]).await;
    work.git(&["commit", "-q", "-m", "link and module"]).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let clone = Work::clone(&hub.anonymous(), "/ada/bert").await;
    assert!(clone.file("link").is_symlink());
    // Its commit is in another repository, which the pages of this one can say.
    let page = Browser::new(&hub).open(&format!("/ada/bert/commit/{}", work.head().await)).await;
    assert!(page.has(&format!("Subproject commit {}", "1".repeat(40))), "{}", page.text);
    hub.stop().await;
}

#[tokio::test]
async fn a_card_with_broken_metadata_is_refused_on_the_default_branch() {
    let (hub, _, work) = start().await;
    work.commit("README.md", b"---\nlicense: mit\ntags: [a, b\n---\n# Hello\n").await;
    let said = work.refused(&["push", "origin", "HEAD:main"]).await;
    assert!(said.contains("remote: The metadata at the top of README.md is not valid"), "{said}");
    assert!(said.contains("invalid metadata in README.md"), "{said}");
    work.git(&["push", "-q", "origin", "HEAD:draft"]).await;
    work.commit("README.md", b"---\nlicense: mit\ntags: [a, b]\n---\n# Hello\n").await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    hub.stop().await;
}

#[tokio::test]
async fn git_lfs_pushes_and_pulls_large_files() {
    let (hub, ada, work) = start().await;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    work.git(&["lfs", "install", "--local"]).await;
    work.git(&["lfs", "track", "*.weights"]).await;
    work.commit("model.weights", &bytes).await;
    work.git(&["push", "-q", "origin", "HEAD:main"]).await;
    let pointer = work.git(&["cat-file", "blob", "HEAD:model.weights"]).await;
    assert!(pointer.starts_with("version https://git-lfs.github.com/spec/v1"), "{pointer}");
    let clone = Work::clone(&ada, "/ada/bert").await;
    clone.git(&["lfs", "install", "--local"]).await;
    clone.git(&["lfs", "pull"]).await;
    assert!(std::fs::read(clone.file("model.weights")).unwrap() == bytes);
    hub.stop().await;
}
