use std::io::Write;
use std::sync::Arc;

use hub_git::{Change, CommitPlan, Content, Error, GitReader, PackContent, Person, build_commit, build_tag, commit_tree};
use hub_types::Oid;

use crate::support::{TestRepo, add, add_lfs, git_command, pack_bytes, path};

fn paths(repo: &TestRepo, commit: Oid) -> Vec<String> {
    repo.ls_tree(commit).into_iter().map(|(path, _, _)| path).collect()
}

fn refused(repo: &TestRepo, parent: Option<Oid>, changes: Vec<Change>) -> Error {
    let plan = CommitPlan { parent, changes: &changes, meta: &repo.meta("x"), cover_lfs: false };
    build_commit(&repo.reader(), repo.scratch(), plan).unwrap_err()
}

#[test]
fn a_first_commit_has_the_ids_that_git_makes() {
    let repo = TestRepo::new();
    let work = repo.work_tree();
    for (name, content) in [("README.md", "hi\n"), ("d/a.txt", "a"), ("d.txt", "b"), ("d/e/f", "c"), ("d-x", "")] {
        std::fs::create_dir_all(work.join(name).parent().unwrap()).unwrap();
        std::fs::write(work.join(name), content).unwrap();
    }
    repo.git_in(&work, &["add", "."]);
    let meta = repo.meta("a title\n\nand a body");
    let date = format!("{} +0000", meta.author.time);
    let made = git_command(&work)
        .args(["commit", "-qm", &meta.message])
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .status();
    assert!(made.unwrap().success());
    let changes = vec![add("d/e/f", "c"), add("README.md", "hi\n"), add("d.txt", "b"), add("d/a.txt", "a"), add("d-x", "")];
    let plan = CommitPlan { parent: None, changes: &changes, meta: &meta, cover_lfs: false };
    let built = build_commit(&GitReader::empty().unwrap(), repo.scratch(), plan).unwrap();
    assert_eq!(built.commit.to_hex(), repo.git_in(&work, &["rev-parse", "HEAD"]));
    assert!(built.changed);
    repo.install(&built);
    repo.fsck();
}

#[test]
fn packs_pass_gits_own_indexer_byte_for_byte() {
    let repo = TestRepo::new();
    let (small, big) = ("1".to_owned(), (0..500_000).map(|n| format!("{n}\n")).collect::<String>());
    for content in [small, big] {
        let changes = [add("content", &content), add("x/y/z", "2")];
        let plan = CommitPlan { parent: None, changes: &changes, meta: &repo.meta("x"), cover_lfs: false };
        let built = build_commit(&repo.reader(), repo.scratch(), plan).unwrap();
        let pack = built.pack.as_ref().unwrap();
        let [(_, bytes), (_, idx)] = pack_bytes(pack);
        let (ours, theirs) = (repo.scratch().join("ours.pack"), repo.scratch().join("check.idx"));
        std::fs::write(&ours, &bytes).unwrap();
        let args = ["index-pack", "--strict", "-o", theirs.to_str().unwrap(), ours.to_str().unwrap()];
        assert_eq!(repo.git(&args), pack.hash().to_hex());
        assert_eq!(std::fs::read(theirs).unwrap(), idx);
        assert_eq!(pack.size(), bytes.len() as u64);
        // Two blobs, three trees, one commit.
        assert_eq!(pack.object_count(), 6);
    }
}

#[test]
fn only_a_large_pack_is_written_to_disk_and_goes_with_its_last_owner() {
    let repo = TestRepo::new();
    let entries = || std::fs::read_dir(repo.scratch()).unwrap().count();
    let before = entries();
    let build = |content: &str| {
        let plan = CommitPlan { parent: None, changes: &[add("f", content)], meta: &repo.meta("x"), cover_lfs: false };
        build_commit(&repo.reader(), repo.scratch(), plan).unwrap().pack.unwrap()
    };
    let small = build("small");
    assert!(matches!(small.content(), PackContent::Memory { .. }));
    assert_eq!(entries(), before);
    // However well it can be compressed.
    let large = build(&"0".repeat(3 << 20));
    assert!(matches!(large.content(), PackContent::Folder(_)));
    let other = large.clone();
    drop(large);
    assert_eq!(entries(), before + 1);
    drop(other);
    assert_eq!(entries(), before, "the folder goes with the pack");
    let many: Vec<_> = (0..300).map(|n| add(&format!("f{n}"), &n.to_string())).collect();
    let plan = CommitPlan { parent: None, changes: &many, meta: &repo.meta("x"), cover_lfs: false };
    let built = build_commit(&repo.reader(), repo.scratch(), plan).unwrap();
    assert!(matches!(built.pack.unwrap().content(), PackContent::Folder(_)), "many objects are a large pack, too");
}

#[test]
fn a_reader_sees_the_objects_of_a_pack_that_is_lent_to_it() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("a/b", "1")]);
    for content in ["2".to_owned(), "2".repeat(3 << 20)] {
        let reader = repo.reader();
        let plan = CommitPlan { parent: Some(first), changes: &[add("a/c", &content)], meta: &repo.meta("x"), cover_lfs: false };
        let built = build_commit(&reader, repo.scratch(), plan).unwrap();
        assert!(reader.commit(built.commit).is_err());
        reader.lend(built.pack.as_ref().unwrap()).unwrap();
        let entry = reader.entry_at(built.commit, "a/c").unwrap().unwrap();
        assert_eq!(reader.blob(entry.oid, 4 << 20).unwrap(), content.as_bytes());
        assert!(reader.entry_at(built.commit, "a/b").unwrap().is_some(), "what the repository has, too");
        assert!(repo.reader().commit(built.commit).is_err(), "nobody else does");
    }
}

#[test]
fn only_changed_folders_are_written() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("a/b/c", "1"), add("x/y/z", "2"), add("top", "3")]);
    let plan = CommitPlan { parent: Some(first), changes: &[add("a/new", "1")], meta: &repo.meta("x"), cover_lfs: false };
    let built = build_commit(&repo.reader(), repo.scratch(), plan).unwrap();
    // The blob is there already: one folder, the root, the commit.
    assert_eq!(built.pack.as_ref().unwrap().object_count(), 3);
    let second = repo.install(&built);
    assert_eq!(paths(&repo, second), ["a/b/c", "a/new", "top", "x/y/z"]);
    repo.fsck();
}

#[test]
fn changes_apply_in_order() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("d/a", "1"), add("d/b", "2"), add("f", "3"), add("g/h/i", "4")]);
    let second = repo.commit(
        Some(first),
        vec![
            Change::DeleteFolder("d/".into()),
            add("d/new", "5"),
            Change::DeleteFile("f".into()),
            add("f/inside", "6"),
            Change::DeleteFile("g/h/i".into()),
            add("g", "a file where a folder was"),
            add("late", "7"),
            Change::DeleteEntry("late".into()),
        ],
    );
    assert_eq!(paths(&repo, second), ["d/new", "f/inside", "g"]);
    let third = repo.commit(
        Some(second),
        vec![Change::DeleteEntry("d".into()), Change::DeleteFolder("f".into()), Change::DeleteFile("g".into())],
    );
    assert_eq!(paths(&repo, third), [""; 0]);
    repo.fsck();
}

#[test]
fn deleting_what_is_not_there_is_refused() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("d/a", "1"), add("f", "2")]);
    for change in [
        Change::DeleteFile("nope".into()),
        Change::DeleteFile("d".into()),
        Change::DeleteFile("d/".into()),
        Change::DeleteFile("d/a/b".into()),
        Change::DeleteFolder("f".into()),
        Change::DeleteFolder("d/x".into()),
        Change::DeleteEntry(String::new()),
        Change::DeleteEntry("../f".into()),
    ] {
        let shown = format!("{change:?}");
        assert!(matches!(refused(&repo, Some(first), vec![change]), Error::NothingToDelete(_)), "{shown}");
    }
    let twice = vec![Change::DeleteFile("d/a".into()), Change::DeleteFolder("d".into())];
    assert!(matches!(refused(&repo, Some(first), twice), Error::NothingToDelete(path) if path == "d"));
}

#[test]
fn files_and_folders_do_not_replace_each_other_unasked() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("d/a", "1"), add("f", "2")]);
    let error = refused(&repo, Some(first), vec![add("d", "x")]);
    assert!(matches!(&error, Error::PathConflict { existing, kind: "folder", .. } if existing == "d"), "{error}");
    let error = refused(&repo, Some(first), vec![add("f/x/y", "x")]);
    assert!(matches!(&error, Error::PathConflict { existing, kind: "file", .. } if existing == "f"), "{error}");
    let error = refused(&repo, Some(first), vec![add("d/a/b", "x")]);
    assert!(matches!(&error, Error::PathConflict { existing, .. } if existing == "d/a"), "{error}");
}

#[test]
fn executable_files_stay_executable() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("run.sh", "1"), add("plain", "2")]);
    let blob = repo.reader().entry_at(first, "run.sh").unwrap().unwrap().oid;
    let second = repo.commit(Some(first), vec![Change::AddExisting { path: path("run.sh"), blob, executable: true }]);
    let third = repo.commit(Some(second), vec![add("run.sh", "new"), add("plain", "new")]);
    let modes: Vec<String> = repo.ls_tree(third).into_iter().map(|(_, mode, _)| mode).collect();
    assert_eq!(modes, ["100644", "100755"]);
}

#[test]
fn no_change_is_no_commit() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("d/a", "1")]);
    let changes = vec![Change::DeleteFolder("d".into()), add("d/a", "1")];
    let plan = CommitPlan { parent: Some(first), changes: &changes, meta: &repo.meta("x"), cover_lfs: false };
    let built = build_commit(&repo.reader(), repo.scratch(), plan).unwrap();
    assert!(!built.changed && built.pack.is_none() && built.commit == first);
}

#[test]
fn spooled_contents_share_a_file() {
    let repo = TestRepo::new();
    let mut spool = tempfile::tempfile().unwrap();
    let noise: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    spool.write_all(b"junk").unwrap();
    spool.write_all(&noise).unwrap();
    spool.write_all(b"tail").unwrap();
    let file = Arc::new(spool);
    let part = |at: &str, offset, len| Change::AddBlob {
        path: path(at),
        content: Content::Spooled { file: Arc::clone(&file), offset, len },
    };
    let end = 4 + noise.len() as u64;
    // The repeated content is dropped from the pack again, and what follows must still be right.
    let commit = repo.commit(None, vec![part("a", 4, end - 4), part("b", 4, end - 4), part("c", end, 4), part("empty", 0, 0)]);
    repo.fsck();
    let read = |at: &str| repo.reader().blob(repo.reader().entry_at(commit, at).unwrap().unwrap().oid, 1 << 20).unwrap();
    assert!(read("a") == noise && read("b") == noise);
    assert_eq!(read("c"), b"tail");
    assert_eq!(read("empty"), b"");
    let error = refused(&repo, Some(commit), vec![part("d", end, 5)]);
    assert!(matches!(error, Error::Io(_)), "a spool that is too short: {error}");
}

#[test]
fn lfs_files_without_an_attribute_get_one() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")]);
    let changes = vec![
        add_lfs("w.bin", 10),
        add_lfs("a b/big [1].json", 20),
        add_lfs("gone.json", 30),
        Change::DeleteFile("gone.json".into()),
    ];
    let plan = CommitPlan { parent: Some(first), changes: &changes, meta: &repo.meta("x"), cover_lfs: true };
    let built = build_commit(&repo.reader(), repo.scratch(), plan).unwrap();
    assert_eq!(built.lfs.len(), 3);
    let commit = repo.install(&built);
    repo.git(&["config", "core.bare", "false"]);
    let shown = repo.git(&["show", &format!("{commit}:.gitattributes")]);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    let work = repo.scratch().join("checkout");
    repo.git_in(repo.scratch(), &["clone", "-q", "--no-checkout", repo.path().to_str().unwrap(), "checkout"]);
    repo.git_in(&work, &["reset", "-q"]);
    let check = |file: &str| repo.git_in(&work, &["check-attr", "--cached", "filter", "--", file]);
    assert!(check("a b/big [1].json").ends_with("filter: lfs"));
    assert!(check("w.bin").ends_with("filter: lfs"));
    assert!(check("a b/big 1.json").ends_with("filter: unspecified"));
}

#[test]
fn lines_added_to_attributes_in_the_same_commit_count() {
    let repo = TestRepo::new();
    let changes = vec![add_lfs("a.json", 1), add(".gitattributes", "a.json filter=lfs"), add_lfs("b.json", 2)];
    let plan = CommitPlan { parent: None, changes: &changes, meta: &repo.meta("x"), cover_lfs: true };
    let commit = repo.install(&build_commit(&repo.reader(), repo.scratch(), plan).unwrap());
    let shown = repo.git(&["show", &format!("{commit}:.gitattributes")]);
    assert_eq!(shown, "a.json filter=lfs\n/b.json filter=lfs diff=lfs merge=lfs -text");
}

#[test]
fn squashes_merges_and_tags_are_sound() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("a", "1")]);
    let second = repo.commit(Some(first), vec![add("b", "2")]);
    let tree = repo.reader().tree_of(second).unwrap();
    let squash = commit_tree(&repo.reader(), repo.scratch(), tree, &[], &repo.meta("squashed")).unwrap();
    repo.install(&squash);
    assert_eq!(repo.git(&["rev-list", "--count", "main"]), "1");
    let merge = commit_tree(&repo.reader(), repo.scratch(), tree, &[second, squash.commit], &repo.meta("merge")).unwrap();
    repo.install(&merge);
    assert_eq!(repo.git(&["rev-list", "--count", "main"]), "4");
    let tag = build_tag(&repo.reader(), repo.scratch(), "v1", second, &Person::new("Ada", "a@b", 5), "first release").unwrap();
    repo.install_pack(tag.pack.as_ref().unwrap());
    repo.git(&["update-ref", "refs/tags/v1", &tag.oid.to_hex()]);
    assert_eq!(repo.git(&["for-each-ref", "--format=%(objecttype) %(subject)", "refs/tags/v1"]), "tag first release");
    assert_eq!(repo.reader().resolve_commit(&tag.oid.to_hex()).unwrap(), second);
    repo.fsck();
    assert!(commit_tree(&repo.reader(), repo.scratch(), second, &[], &repo.meta("not a tree")).is_err());
}

#[test]
fn ten_thousand_files_build_quickly() {
    let repo = TestRepo::new();
    let changes = (0..10_000).map(|n| add(&format!("d{}/f{n}.txt", n % 100), &n.to_string())).collect();
    let start = std::time::Instant::now();
    let first = repo.commit(None, changes);
    let built = start.elapsed();
    let start = std::time::Instant::now();
    repo.commit(Some(first), vec![add("d7/f7.txt", "changed")]);
    assert!(built.as_secs() < 60 && start.elapsed().as_secs() < 30, "{built:?} {:?}", start.elapsed());
    repo.fsck();
}
