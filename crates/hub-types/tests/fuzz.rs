//! Names, paths, refs, revisions and digests: what is taken keeps its promises, the rest is an error. `PROPTEST_CASES=100000`
//! looks longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod hostile;

use std::path::{Component, Path};

use hostile::{taken, within};
use hub_types::{BucketPath, Oid, RefName, RepoId, RepoPath, RepoType, Sha256, XetHash, check_name, split_revision};
use proptest::prelude::*;

#[global_allocator]
static COUNTING: hostile::Counting = hostile::Counting;

/// Parts that mean something to git, file systems, shells or browsers, and letters between them.
fn odd_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,4}",
        4 => prop::sample::select(vec![
            "/", "//", ".", "..", "...", ".git", ".GIT", ".g\u{200c}it", "git~1", ".lock", "@{", "@", "~", "^", ":", "?", "*", "[", "\\", " ", "-", "--",
            "refs/", "refs/heads/", "refs/pr/1", "HEAD", "%2e%2e", "%2f", "\u{0}", "\n", "\r", "\u{7f}", "\u{85}", "\u{202e}", "\u{feff}", "é", "𝄞", "e\u{301}",
            "con", "nul.txt", "a:b", "_", "0123456789012345678901234567890123456789",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z]{200,300}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn stays_inside(path: &str) -> Result<(), TestCaseError> {
    let parts: Vec<_> = Path::new(path).components().collect();
    prop_assert!(!parts.is_empty() && parts.iter().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
    prop_assert_eq!(parts.len(), path.split('/').count());
    prop_assert!(!path.contains('\\') && !path.chars().any(char::is_control) && path.len() <= 1000);
    Ok(())
}

proptest! {
    #[test]
    fn paths_stay_inside_their_folder(text in odd_text()) {
        let (paths, took) = taken(|| (RepoPath::new(&text), BucketPath::new(&text)));
        within(took, text.len(), 4096, 10, 20)?;
        if let Ok(path) = paths.0 {
            stays_inside(path.as_str())?;
            prop_assert!(path.as_str().split('/').all(|name| !name.eq_ignore_ascii_case(".git")));
            prop_assert_eq!(RepoPath::new(path.as_str()), Ok(path.clone()), "a second time it is the same");
            prop_assert!(path.as_str().ends_with(path.file_name()) && !path.file_name().is_empty());
        }
        if let Ok(path) = paths.1 {
            stays_inside(path.as_str())?;
            prop_assert_eq!(path.as_str(), &text);
        }
    }

    /// Paths with a prefix are those from it to its end, in the order that the database has.
    #[test]
    fn prefixes_end_behind_what_starts_with_them(prefix in odd_text(), other in odd_text()) {
        let end = BucketPath::end_of_prefix(&prefix);
        for text in [&other, &format!("{prefix}{other}")] {
            if text.len() <= 1000 {
                let between = text.as_str() >= prefix.as_str() && text.as_str() < end.as_str();
                prop_assert_eq!(between, text.starts_with(&prefix), "{:?} {:?} {:?}", text, prefix, end);
            }
        }
    }

    #[test]
    fn refs_are_ones_that_git_takes(text in odd_text()) {
        let (refs, took) = taken(|| [RefName::new(&text), RefName::branch(&text), RefName::tag(&text)]);
        within(took, text.len(), 8192, 20, 40)?;
        for name in refs.into_iter().flatten() {
            let name = name.as_str();
            prop_assert!(name.starts_with("refs/") && name.len() <= 250);
            stays_inside(name)?;
            prop_assert!(!name.contains("..") && !name.contains("@{") && !name.contains([' ', '~', '^', ':', '?', '*', '[']), "{}", name);
            let again = RefName::new(name).unwrap();
            prop_assert_eq!(again.as_str(), name);
        }
        if let Ok(branch) = RefName::branch(&text) {
            prop_assert_eq!(branch.branch_name(), Some(text.as_str()));
        }
    }

    #[test]
    fn revisions_and_paths_are_taken_apart_without_loss(text in odd_text()) {
        let segments: Vec<String> = text.split('/').map(str::to_owned).collect();
        let (revision, path) = split_revision(&segments);
        let joined: Vec<&str> = revision.iter().map(|revision| revision.as_str()).chain(path.iter().map(String::as_str)).collect();
        prop_assert_eq!(joined.join("/"), text);
    }

    #[test]
    fn names_of_repositories_round_trip(text in odd_text()) {
        let (read, took) = taken(|| (check_name(&text).is_ok(), text.parse::<RepoId>()));
        within(took, text.len(), 4096, 10, 20)?;
        if let Ok(id) = read.1 {
            prop_assert_eq!(id.to_string(), text.clone());
            prop_assert!(check_name(id.namespace()).is_ok() && check_name(id.name()).is_ok());
        }
        let _ = text.parse::<RepoType>();
    }

    #[test]
    fn digests_round_trip(bytes in any::<[u8; 32]>(), text in "[0-9a-fA-F]{38,42}|[0-9a-f]{62,66}|.{0,70}") {
        prop_assert_eq!(Sha256::from_bytes(bytes).to_hex().parse::<Sha256>().unwrap(), Sha256::from_bytes(bytes));
        prop_assert_eq!(XetHash::from_bytes(bytes).to_hex().parse::<XetHash>().unwrap(), XetHash::from_bytes(bytes));
        for read in [text.parse::<Sha256>().map(|digest| digest.to_hex()).ok(), text.parse::<XetHash>().map(|digest| digest.to_hex()).ok(), text.parse::<Oid>().map(|digest| digest.to_hex()).ok()].into_iter().flatten() {
            prop_assert_eq!(read, text.to_ascii_lowercase());
        }
    }
}
