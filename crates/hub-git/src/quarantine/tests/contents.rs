//! What is found in what was pushed: files, names, trees and commits.

use hub_types::Oid;

use super::*;

async fn inspect(fixture: &Fixture, pack: &[u8], new: Oid) -> Result<Inspection, PushError> {
    let (quarantine, received) = receive(fixture, pack).await;
    received?;
    quarantine.inspect(&[Tip { new, base: Some(fixture.server_head()) }], LIMITS).await
}

/// What is found in a commit of this tree, pushed whole.
async fn inspect_tree(fixture: &Fixture, tree: &str) -> Result<Inspection, PushError> {
    let commit = fixture.commit_tree(tree);
    inspect(fixture, &fixture.pack_of_everything(), commit).await
}

#[tokio::test]
async fn missing_objects_are_found() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"never sent\n");
    let tree = fixture.git_with(&["mktree"], format!("100644 blob {blob}\tx\n").as_bytes());
    let commit = fixture.commit_tree(&tree);
    let pack = fixture.pack_of(&[&tree, &commit.to_hex()]);
    let error = inspect(&fixture, &pack, commit).await.unwrap_err();
    assert!(matches!(error, PushError::MissingObjects(_)), "{error}");
    let unknown = Oid::from_bytes([9; 20]);
    let error = inspect(&fixture, &fixture.pack_of(&[]), unknown).await.unwrap_err();
    assert!(matches!(error, PushError::MissingObjects(_)), "{error}");
}

#[tokio::test]
async fn large_files_are_named_with_a_way_out() {
    let fixture = Fixture::new();
    fixture.commit("weights/model.bin", &vec![1; 10 * 1024 * 1024 + 1]);
    std::fs::remove_file(fixture.work().join("weights/model.bin")).unwrap();
    let new = fixture.commit("exact.bin", &vec![2; 10 * 1024 * 1024]);
    let found = inspect(&fixture, &fixture.thin_pack(new), new).await.unwrap();
    assert_eq!(found.violations.len(), 1, "{:?}", found.violations);
    let text = found.violations[0].to_string();
    assert!(text.contains("`weights/model.bin` has 10 MB; files over 10 MB must be stored with Git LFS"), "{text}");
    let advice = found.violations[0].advice().unwrap();
    assert!(advice.contains("git lfs track \"*.bin\"") && advice.contains("git lfs migrate import"), "{advice}");
}

#[tokio::test]
async fn lfs_pointers_are_listed() {
    let fixture = Fixture::new();
    let sha256 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 12345\n");
    fixture.commit("a/model.safetensors", pointer.as_bytes());
    let new = fixture.commit("b.txt", pointer.replace("spec/v1", "spec/v9").as_bytes());
    let found = inspect(&fixture, &fixture.thin_pack(new), new).await.unwrap();
    let expected = NewPointer { path: "a/model.safetensors".into(), sha256: sha256.parse().unwrap(), size_bytes: 12_345 };
    assert_eq!(found.pointers, [expected]);
}

#[tokio::test]
async fn names_that_git_fears_are_refused() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    for name in [&b".."[..], b".", b".git", b".GIT", b"a/b", b"git~1", ".g\u{200c}it".as_bytes(), b""] {
        let tree = fixture.raw_tree(&[("100644", name, &blob)]);
        let error = inspect_tree(&fixture, &tree).await.unwrap_err();
        assert!(matches!(error, PushError::BrokenPack(_)), "{name:?}: {error}");
    }
}

#[tokio::test]
async fn names_that_only_the_hub_refuses_are_named() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"x");
    let long = vec![b'n'; 256];
    for name in [&b"a\\b"[..], b"a\nb", b"a\x1bb", b"\xff\xfe", &long] {
        let inner = fixture.raw_tree(&[("100644", name, &blob)]);
        let outer = fixture.raw_tree(&[("40000", b"dir", &inner)]);
        let found = inspect_tree(&fixture, &outer).await.unwrap();
        assert!(
            matches!(&found.violations[..], [Violation::ForbiddenPath { path, .. }] if path.starts_with("dir/")),
            "{found:?}"
        );
        assert!(!found.violations[0].to_string().contains(['\n', '\x1b']));
    }
}

#[tokio::test]
async fn a_second_name_of_a_known_object_is_checked_too() {
    let fixture = Fixture::new();
    let known = fixture.git(&["rev-parse", "HEAD:text.txt"]);
    let tree = fixture.raw_tree(&[("100644", b"bad\\name", &known), ("100644", b"good", &known)]);
    let found = inspect_tree(&fixture, &tree).await.unwrap();
    assert_eq!(found.violations.len(), 1);
}

#[tokio::test]
async fn paths_that_only_nesting_makes_too_long_are_refused() {
    let fixture = Fixture::new();
    let mut tree = fixture.raw_tree(&[("100644", b"x", &fixture.blob(b"x"))]);
    for _ in 0..6 {
        tree = fixture.raw_tree(&[("40000", &[b'd'; 200], &tree)]);
    }
    let found = inspect_tree(&fixture, &tree).await.unwrap();
    assert!(matches!(&found.violations[..], [Violation::ForbiddenPath { .. }]), "{found:?}");
}

#[tokio::test]
async fn a_tree_that_unfolds_to_billions_of_files_is_refused_quickly() {
    let fixture = Fixture::new();
    let mut tree = fixture.blob(b"boom");
    let mut mode = "100644";
    for _ in 0..10 {
        let names: Vec<String> = (0..10).map(|index| format!("f{index}")).collect();
        let entries: Vec<(&str, &[u8], &str)> = names.iter().map(|name| (mode, name.as_bytes(), tree.as_str())).collect();
        tree = fixture.raw_tree(&entries);
        mode = "40000";
    }
    let commit = fixture.commit_tree(&tree);
    let found = inspect(&fixture, &fixture.thin_pack(commit), commit).await.unwrap();
    assert_eq!(found.violations, [Violation::TooManyChanges { commit }]);
}

#[tokio::test]
async fn symlinks_and_submodules_pass_as_in_git() {
    let fixture = Fixture::new();
    let link = fixture.blob(b"text.txt");
    let commit = fixture.head().to_hex();
    let tree = fixture.raw_tree(&[("120000", b"link", &link), ("160000", b"module", &commit)]);
    assert_eq!(inspect_tree(&fixture, &tree).await.unwrap(), Inspection::default());
}

#[tokio::test]
async fn a_tip_must_lead_to_a_commit() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"a blob\n");
    let oid = blob.parse().unwrap();
    let found = inspect(&fixture, &fixture.pack_of(&[&blob]), oid).await.unwrap();
    assert_eq!(found.violations, [Violation::NotACommit { oid }]);
    fixture.git(&["tag", "-a", "-m", "annotated", "v1"]);
    let tag = fixture.git(&["rev-parse", "v1"]);
    let found = inspect(&fixture, &fixture.pack_of(&[&tag]), tag.parse().unwrap()).await.unwrap();
    assert_eq!(found.violations, []);
}

#[tokio::test]
async fn a_large_file_that_no_commit_has_is_refused_too() {
    let fixture = Fixture::new();
    let new = fixture.commit("small.txt", b"small");
    let hidden = fixture.blob(&vec![0; 11 * 1024 * 1024]);
    let objects =
        [new.to_hex(), fixture.git(&["rev-parse", "HEAD^{tree}"]), fixture.git(&["rev-parse", "HEAD:small.txt"]), hidden.clone()];
    let pack = fixture.pack_of(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    let found = inspect(&fixture, &pack, new).await.unwrap();
    assert_eq!(found.violations.len(), 1);
    assert!(found.violations[0].to_string().contains(&format!("blob {hidden} has 11 MB")), "{:?}", found.violations);
}

#[tokio::test]
async fn a_commit_message_of_a_million_letters_is_refused() {
    let fixture = Fixture::new();
    let message = "x".repeat(1024 * 1024);
    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    let commit = fixture.git_with(&["commit-tree", "-F", "-", "-p", "HEAD", &tree], message.as_bytes());
    let found = inspect(&fixture, &fixture.pack_of(&[&commit]), commit.parse().unwrap()).await.unwrap();
    assert!(matches!(found.violations[..], [Violation::ObjectTooLarge { kind: "commit", .. }]), "{found:?}");
}

#[tokio::test]
async fn submodule_settings_that_run_commands_are_refused() {
    let fixture = Fixture::new();
    for settings in [
        "[submodule \"a\"]\n\tpath = a\n\turl = -u./payload\n",
        "[submodule \"../x\"]\n\tpath = a\n\turl = https://example.org\n",
    ] {
        let new = fixture.commit(".gitmodules", settings.as_bytes());
        let message = refusal(&fixture, &fixture.thin_pack(new)).await;
        assert!(message.contains("gitmodules"), "{message}");
    }
}
