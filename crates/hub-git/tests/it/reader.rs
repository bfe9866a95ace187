use std::os::unix::fs::{PermissionsExt, symlink};

use hub_git::{Entry, EntryKind, Error, GitReader, TreeCursor};
use hub_types::Oid;

use crate::support::{TestRepo, add, add_lfs};

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.path.as_str()).collect()
}

fn nested() -> (TestRepo, Oid) {
    let repo = TestRepo::new();
    let files = ["z", "a/1", "a/b/2", "a/b/c/3", "a/z", "a-b/x", "a.txt", "b"];
    let commit = repo.commit(None, files.iter().map(|file| add(file, file)).collect());
    (repo, commit)
}

#[test]
fn entries_say_what_they_are() {
    let repo = TestRepo::new();
    let work = repo.work_tree();
    std::fs::write(work.join("run"), "#!/bin/sh").unwrap();
    std::fs::set_permissions(work.join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run", work.join("link")).unwrap();
    std::fs::create_dir(work.join("d")).unwrap();
    std::fs::write(work.join("d/pointer"), crate::support::pointer("p", 5_000_000_000).to_string()).unwrap();
    repo.git_in(&work, &["add", "."]);
    repo.git_in(&work, &["update-index", "--add", "--cacheinfo", "160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,sub"]);
    repo.git_in(&work, &["commit", "-qm", "all kinds"]);
    let commit = repo.collect(&work);
    let reader = repo.reader();
    let entry = |path: &str| reader.entry_at(commit, path).unwrap().unwrap();
    assert_eq!((entry("run").kind, entry("run").executable, entry("run").size), (EntryKind::File, true, 9));
    assert_eq!((entry("link").kind, entry("link").size), (EntryKind::Symlink, 3));
    assert_eq!(entry("sub").kind, EntryKind::Submodule);
    assert_eq!((entry("d").kind, entry("d").size, entry("").kind), (EntryKind::Folder, 0, EntryKind::Folder));
    let pointer = entry("d/pointer");
    assert_eq!((pointer.size, pointer.lfs.unwrap().pointer_size, pointer.name()), (5_000_000_000, 135, "pointer"));
    assert_eq!(pointer.oid.to_hex(), repo.git(&["rev-parse", "main:d/pointer"]));
    for missing in ["nope", "run/x", "d/pointer/x", "d//pointer", "sub/x"] {
        assert_eq!(reader.entry_at(commit, missing).unwrap(), None, "{missing}");
    }
    assert_eq!(reader.size_at(commit, "").unwrap(), 9 + 3 + 5_000_000_000);
    let found = reader.entries_at(commit, &["d".into(), "nope".into(), "run".into()]).unwrap();
    assert_eq!(names(&found), ["d", "run"]);
}

#[test]
fn folders_list_folders_first_page_by_page() {
    let (repo, commit) = nested();
    let reader = repo.reader();
    let whole = reader.list_folder(commit, "", None, 100).unwrap();
    assert_eq!(names(&whole.entries), ["a-b", "a", "a.txt", "b", "z"]);
    assert_eq!(whole.next, None);
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = reader.list_folder(commit, "", cursor.as_ref(), 1).unwrap();
        seen.extend(page.entries);
        match page.next {
            Some(next) => cursor = TreeCursor::decode(&next.encode()),
            None => break,
        }
    }
    assert_eq!(seen, whole.entries);
    assert_eq!(names(&reader.list_folder(commit, "a/b/", None, 9).unwrap().entries), ["a/b/c", "a/b/2"]);
}

#[test]
fn files_of_one_folder_come_with_their_blobs() {
    let (repo, commit) = nested();
    let reader = repo.reader();
    let files = reader.files_in(commit, "a", 100).unwrap();
    let blob = |path: &str| reader.entry_at(commit, path).unwrap().unwrap().oid;
    assert_eq!(files, [("1".to_owned(), blob("a/1")), ("z".to_owned(), blob("a/z"))]);
    assert_eq!(reader.files_in(commit, "a", 1).unwrap().len(), 1);
    assert_eq!(reader.files_in(commit, "", 100).unwrap(), reader.root_files(commit, 100).unwrap());
    for none in ["nope", "a.txt", "a/1/x"] {
        assert!(reader.files_in(commit, none, 100).unwrap().is_empty(), "{none}");
    }
}

#[test]
fn walks_continue_wherever_a_page_ended() {
    let (repo, commit) = nested();
    let reader = repo.reader();
    let whole = reader.walk(commit, "", None, 100).unwrap().entries;
    let all = ["a-b", "a-b/x", "a.txt", "a", "a/1", "a/b", "a/b/2", "a/b/c", "a/b/c/3", "a/z", "b", "z"];
    assert_eq!(names(&whole), all);
    for limit in 1..14 {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = reader.walk(commit, "", cursor.as_ref(), limit).unwrap();
            assert!(page.entries.len() <= limit);
            seen.extend(page.entries);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(names(&seen), all, "pages of {limit}");
    }
    assert_eq!(names(&reader.walk(commit, "a/b", None, 100).unwrap().entries), ["a/b/2", "a/b/c", "a/b/c/3"]);
}

#[test]
fn a_cursor_survives_a_commit_in_between() {
    let (repo, commit) = nested();
    let page = repo.reader().walk(commit, "", None, 7).unwrap();
    let changes = vec![hub_git::Change::DeleteFolder("a/b".into()), add("a/0", "new, before"), add("aa", "new, after")];
    let later = repo.commit(Some(commit), changes);
    let rest = repo.reader().walk(later, "", page.next.as_ref(), 100).unwrap();
    assert_eq!(names(&rest.entries), ["a/z", "aa", "b", "z"]);
}

#[test]
fn bad_cursors_are_told() {
    for text in ["x", "0", "zz", "+a", "é0"] {
        assert_eq!(TreeCursor::decode(text), None, "{text}");
    }
}

#[test]
fn missing_folders_are_not_found() {
    let (repo, commit) = nested();
    let reader = repo.reader();
    for path in ["nope", "a.txt", "a/1/x"] {
        assert!(matches!(reader.list_folder(commit, path, None, 9), Err(Error::EntryNotFound(_))), "{path}");
        assert!(matches!(reader.walk(commit, path, None, 9), Err(Error::EntryNotFound(_))), "{path}");
    }
    assert!(matches!(reader.size_at(commit, "nope"), Err(Error::EntryNotFound(_))));
}

#[test]
fn commits_are_found_by_the_start_of_their_id() {
    let (repo, commit) = nested();
    let reader = repo.reader();
    let hex = commit.to_hex();
    for id in [hex.as_str(), &hex[..7], &hex[..5].to_uppercase()] {
        assert_eq!(reader.resolve_commit(id).unwrap(), commit, "{id}");
    }
    let tree = repo.git(&["rev-parse", "main^{tree}"]);
    let zero = Oid::ZERO.to_hex();
    for id in ["", "abc", "main", "refs/heads/main", &format!("{hex}0"), tree.as_str(), zero.as_str(), "éééé", "0000000"] {
        assert!(matches!(reader.resolve_commit(id), Err(Error::RevisionNotFound(_))), "{id}");
    }
    assert!(matches!(reader.commit(tree.parse().unwrap()), Err(Error::RevisionNotFound(_))));
}

#[test]
fn blobs_are_read_up_to_a_limit() {
    let repo = TestRepo::new();
    let commit = repo.commit(None, vec![add("f", "12345"), add_lfs("g", 7)]);
    let reader = repo.reader();
    let blob = reader.entry_at(commit, "f").unwrap().unwrap().oid;
    assert_eq!((reader.blob_size(blob).unwrap(), reader.blob(blob, 5).unwrap()), (5, b"12345".to_vec()));
    assert!(matches!(reader.blob(blob, 4), Err(Error::TooLarge { size: 5, limit: 4 })));
    assert!(matches!(reader.blob(commit, 9), Err(Error::ObjectDamaged { .. })));
    assert!(matches!(reader.blob(Oid::ZERO, 9), Err(Error::ObjectMissing(_))));
    assert!(GitReader::open(repo.scratch()).is_err(), "not a repository");
}
