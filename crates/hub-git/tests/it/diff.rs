use std::collections::HashSet;

use hub_git::{Change, ChangeStatus, Error, TextDiff};

use crate::support::{TestRepo, add, add_lfs, path, pointer};

#[test]
fn changed_files_are_told_with_their_real_sizes() {
    let repo = TestRepo::new();
    let first = repo.commit(
        None,
        vec![add("d/a", "one\n"), add("d/b", "two"), add("same/x", "3"), add_lfs("w.bin", 1000), add("old/name", "moved")],
    );
    let blob = repo.reader().entry_at(first, "old/name").unwrap().unwrap().oid;
    let second = repo.commit(
        Some(first),
        vec![
            add("d/a", "one\ntwo\n"),
            Change::DeleteFile("d/b".into()),
            add("d/c/new", "n"),
            Change::AddLfs { path: path("w.bin"), pointer: pointer("other", 5000) },
            Change::AddExisting { path: path("new/name"), blob, executable: false },
            Change::DeleteFolder("old".into()),
        ],
    );
    let reader = repo.reader();
    let (changes, more) = reader.changed_files(Some(first), Some(second), 100).unwrap();
    assert!(!more);
    let told: Vec<(ChangeStatus, Option<&str>, Option<&str>)> = changes
        .iter()
        .map(|change| {
            (
                change.status,
                change.old.as_ref().map(|side| side.path.as_str()),
                change.new.as_ref().map(|side| side.path.as_str()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ChangeStatus::Modified, Some("d/a"), Some("d/a")),
            (ChangeStatus::Deleted, Some("d/b"), None),
            (ChangeStatus::Added, None, Some("d/c/new")),
            (ChangeStatus::Renamed, Some("old/name"), Some("new/name")),
            (ChangeStatus::Modified, Some("w.bin"), Some("w.bin")),
        ]
    );
    let weights = changes.last().unwrap();
    assert_eq!((weights.old.as_ref().unwrap().size, weights.new.as_ref().unwrap().size), (1000, 5000));
    let (part, more) = reader.changed_files(Some(first), Some(second), 2).unwrap();
    assert!(more && part.len() == 2);

    let delta = reader.tree_delta(Some(first), Some(second)).unwrap();
    assert_eq!((delta.size, delta.added, delta.removed, delta.modified), (4 - 3 + 1 + 4000, 2, 2, 2));
    assert_eq!(delta.lfs, [pointer("other", 5000)]);
    let all = reader.tree_delta(None, Some(second)).unwrap();
    assert_eq!((all.size, all.added), (i64::try_from(reader.size_at(second, "").unwrap()).unwrap(), 5));
    let none = reader.tree_delta(Some(second), None).unwrap();
    assert_eq!((none.size, none.removed, none.lfs.len()), (-all.size, 5, 0));
    assert_eq!(reader.tree_delta(Some(second), Some(second)).unwrap(), hub_git::TreeDelta::default());
}

#[test]
fn a_file_that_becomes_a_folder_is_counted_on_both_sides() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("x", "12345")]);
    let second = repo.commit(Some(first), vec![Change::DeleteFile("x".into()), add("x/y", "1"), add("x/z", "2")]);
    let delta = repo.reader().tree_delta(Some(first), Some(second)).unwrap();
    assert_eq!((delta.size, delta.added, delta.removed, delta.modified), (-3, 2, 1, 0));
    let (changes, _) = repo.reader().changed_files(Some(first), Some(second), 100).unwrap();
    assert_eq!(changes.len(), 3);
}

#[test]
fn text_is_shown_and_other_things_are_not() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("t", "1\n2\n3\n"), add("b", "a\0b"), add("l", &"x".repeat(5000))]);
    let second = repo.commit(Some(first), vec![add("t", "1\ntwo\n3\n"), add("b", "c\0d"), add("l", &"y".repeat(5000))]);
    let reader = repo.reader();
    let (changes, _) = reader.changed_files(Some(first), Some(second), 10).unwrap();
    let diffs: Vec<TextDiff> = changes.iter().map(|change| reader.text_diff(change, 1000).unwrap()).collect();
    let text = "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n".to_owned();
    assert_eq!(diffs, [TextDiff::Binary, TextDiff::TooLarge, TextDiff::Hunks { text, added: 1, removed: 1 }]);
    let (added, _) = reader.changed_files(None, Some(first), 10).unwrap();
    assert!(
        matches!(&reader.text_diff(&added[2], 1000).unwrap(), TextDiff::Hunks { added: 3, removed: 0, text } if text.starts_with("@@ -0,0 +1,3 @@"))
    );
}

#[test]
fn patches_are_those_of_git() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("t", "1\n2\n3\n"), add("d/gone", "x"), add("keep", "k")]);
    let second = repo.commit(Some(first), vec![add("t", "1\ntwo\n3"), Change::DeleteFile("d/gone".into()), add("é/new", "n\n")]);
    let reader = repo.reader();
    let nothing = (&HashSet::new(), "");
    let ours = reader.patch((first, second), (10_000, 1000), nothing).unwrap();
    let theirs = repo.git(&["diff", "--abbrev=7", &first.to_hex(), &second.to_hex()]);
    assert_eq!(ours.trim_end(), theirs);
    assert!(matches!(reader.patch((first, second), (20, 1000), nothing), Err(Error::TooLarge { .. })));
}

#[test]
fn patches_leave_out_the_lines_of_what_is_withheld() {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("a", "secret\n"), add("b", "open\n"), add("c", "same\n")]);
    let second = repo.commit(Some(first), vec![add("a", "clean\n"), add("b", "opened\n"), add("d", "secret\n")]);
    let reader = repo.reader();
    let secret = reader.entry_at(first, "a").unwrap().unwrap().oid;
    let mut blobs = reader.patched_blobs(first, second).unwrap();
    assert!(blobs.contains(&secret));
    blobs.sort_unstable();
    blobs.dedup();
    assert_eq!(blobs.len(), 4, "two versions of each of two files, and one of these once more");
    let patch = reader.patch((first, second), (10_000, 1000), (&HashSet::from([secret]), "Withheld.\n")).unwrap();
    assert!(!patch.contains("secret") && !patch.contains("clean"), "{patch}");
    assert!(patch.contains("-open\n+opened\n") && patch.contains("diff --git a/a b/a"), "{patch}");
    assert_eq!(patch.matches("Withheld.\n").count(), 2, "{patch}");
    let all = reader.patch((first, second), (10_000, 1000), (&HashSet::new(), "")).unwrap();
    assert!(all.contains("-secret\n+clean\n") && all.contains("+secret\n"), "{all}");
}

#[test]
fn of_a_submodule_the_line_is_shown_that_git_shows() {
    let repo = TestRepo::new();
    let work = repo.work_tree();
    let [old, new] = ["1", "2"].map(|digit| digit.repeat(40));
    let [first, second] = [&old, &new].map(|module| {
        repo.git_in(&work, &["update-index", "--add", "--cacheinfo", &format!("160000,{module},sub")]);
        repo.git_in(&work, &["commit", "-qm", "module"]);
        repo.collect(&work)
    });
    let reader = repo.reader();
    let (changes, _) = reader.changed_files(Some(first), Some(second), 10).unwrap();
    let TextDiff::Hunks { text, added: 1, removed: 1 } = reader.text_diff(&changes[0], 1000).unwrap() else { panic!("no text") };
    assert!(text.ends_with(&format!("\n-Subproject commit {old}\n+Subproject commit {new}\n")), "{text}");
    let (changes, _) = reader.changed_files(Some(first), None, 10).unwrap();
    assert!(matches!(reader.text_diff(&changes[0], 1000).unwrap(), TextDiff::Hunks { added: 0, removed: 1, .. }));
}
