//! Random edits against a plain map.

use std::collections::BTreeMap;

use hub_git::{Change, CommitPlan, Error, build_commit};
use proptest::prelude::*;

use crate::support::{TestRepo, add};

#[derive(Debug, Clone)]
enum Edit {
    Add(String, String),
    DeleteFile(String),
    DeleteFolder(String),
}

fn edit() -> impl Strategy<Value = Edit> {
    let path =
        prop::collection::vec(prop::sample::select(vec!["a", "b", "a-", "a.b", "c"]), 1..4).prop_map(|names| names.join("/"));
    prop_oneof![
        4 => (path.clone(), "[xy]{0,2}").prop_map(|(path, content)| Edit::Add(path, content)),
        1 => path.clone().prop_map(Edit::DeleteFile),
        1 => path.prop_map(Edit::DeleteFolder),
    ]
}

/// What the edit does to a map of files; false when it must be refused.
fn apply(files: &mut BTreeMap<String, String>, edit: &Edit) -> bool {
    match edit {
        Edit::Add(path, content) => {
            let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
            if files.keys().any(|file| inside(file, path) || inside(path, file)) {
                return false;
            }
            files.insert(path.clone(), content.clone());
            true
        }
        Edit::DeleteFile(path) => files.remove(path).is_some(),
        Edit::DeleteFolder(path) => {
            let before = files.len();
            files.retain(|file, _| !file.starts_with(&format!("{path}/")));
            files.len() < before
        }
    }
}

fn change(edit: &Edit) -> Change {
    match edit {
        Edit::Add(path, content) => add(path, content),
        Edit::DeleteFile(path) => Change::DeleteFile(path.clone()),
        Edit::DeleteFolder(path) => Change::DeleteFolder(path.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commits_do_what_a_map_does(commits in prop::collection::vec(prop::collection::vec(edit(), 1..8), 1..6)) {
        let repo = TestRepo::new();
        let (mut files, mut head) = (BTreeMap::new(), None);
        for edits in commits {
            let mut after: BTreeMap<String, String> = files.clone();
            let possible = edits.iter().all(|edit| apply(&mut after, edit));
            let plan = CommitPlan { parent: head, changes: &edits.iter().map(change).collect::<Vec<_>>(), meta: &repo.meta("x"), cover_lfs: false };
            match build_commit(&repo.reader(), repo.scratch(), plan) {
                Ok(built) => {
                    prop_assert!(possible, "{:?} should have been refused on {:?}", edits, files);
                    prop_assert_eq!(built.changed, head.is_none() || after != files);
                    let old = head.replace(repo.install(&built));
                    let delta = repo.reader().tree_delta(old, head).unwrap();
                    let size = |files: &BTreeMap<String, String>| files.values().map(String::len).sum::<usize>() as i64;
                    prop_assert_eq!(delta.size, size(&after) - size(&files));
                    prop_assert_eq!(delta.added as i64 - delta.removed as i64, after.len() as i64 - files.len() as i64);
                    files = after;
                }
                Err(Error::NothingToDelete(_) | Error::PathConflict { .. }) => prop_assert!(!possible, "{:?} on {:?}", edits, files),
                Err(other) => panic!("{other}"),
            }
        }
        if let Some(head) = head {
            let reader = repo.reader();
            let walked = reader.walk(head, "", None, 1000).unwrap().entries;
            let read: BTreeMap<String, String> = walked
                .iter()
                .filter(|entry| !entry.is_folder())
                .map(|entry| (entry.path.clone(), String::from_utf8(reader.blob(entry.oid, 10).unwrap()).unwrap()))
                .collect();
            prop_assert_eq!(&read, &files);
            repo.fsck();
        }
    }
}
