use std::collections::HashSet;

use hub_git::{Change, LfsFile, Person, build_tag, commit_tree, rewrite_without};
use hub_types::Oid;

use crate::support::{TestRepo, add, add_lfs};

/// Three commits and a merge; the large file comes in the second, moves in the third.
fn history() -> (TestRepo, Vec<Oid>) {
    let repo = TestRepo::new();
    let first = repo.commit(None, vec![add("a", "1")]);
    let second = repo.commit(Some(first), vec![add_lfs("only/here/w.bin", 7), add_lfs("v.bin", 9)]);
    let moved =
        repo.commit(Some(second), vec![Change::DeleteFolder("only".into()), add_lfs("only/here/w.bin", 7), add("b", "2")]);
    let tree = repo.reader().tree_of(moved).unwrap();
    let merge = commit_tree(&repo.reader(), repo.scratch(), tree, &[moved, first], &repo.meta("merge")).unwrap();
    repo.install(&merge);
    (repo, vec![first, second, moved, merge.commit])
}

fn found(repo: &TestRepo, tips: &[Oid]) -> Vec<LfsFile> {
    repo.reader().lfs_files(tips).unwrap()
}

#[test]
fn large_files_are_found_in_all_of_history() {
    let (repo, commits) = history();
    let gone = repo.commit(Some(commits[3]), vec![Change::DeleteFile("v.bin".into())]);
    let files = found(&repo, &[gone]);
    let told: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.pointer.size, file.commit)).collect();
    assert_eq!(told, [("only/here/w.bin", 7, gone), ("v.bin", 9, commits[3])]);
    assert_eq!(found(&repo, &[commits[0]]), []);
}

#[test]
fn histories_are_made_anew_without_a_file() {
    let (repo, commits) = history();
    let head = commits[3];
    let tag = build_tag(&repo.reader(), repo.scratch(), "v1", commits[1], &Person::new("Ada", "a@b", 5), "first").unwrap();
    repo.install_pack(tag.pack.as_ref().unwrap());
    let doomed: HashSet<Oid> =
        found(&repo, &[head]).iter().filter(|file| file.path.ends_with("w.bin")).map(|file| file.blob).collect();
    let tips = [head, tag.oid, commits[0]];
    let rewritten = rewrite_without(&repo.reader(), repo.scratch(), &tips, &doomed).unwrap();
    repo.install_pack(rewritten.pack.as_ref().unwrap());
    assert_eq!(rewritten.tips.len(), 2, "the first commit never had the file");
    let new = rewritten.tips[&head];
    repo.git(&["update-ref", "refs/heads/main", &new.to_hex()]);
    repo.git(&["update-ref", "refs/tags/v1", &rewritten.tips[&tag.oid].to_hex()]);
    repo.fsck();
    let shape = |tip: Oid| repo.git(&["log", "--format=%s %an %at %ae", "--graph", &tip.to_hex()]);
    assert_eq!(shape(new), shape(head));
    let paths: Vec<String> = repo.ls_tree(new).into_iter().map(|(path, _, _)| path).collect();
    assert_eq!(paths, ["a", "b", "v.bin"]);
    assert_eq!(found(&repo, &[new]).len(), 1);
    assert_eq!(repo.git(&["cat-file", "-p", "v1^{tree}"]).lines().count(), 2);
    let again = rewrite_without(&repo.reader(), repo.scratch(), &[new], &doomed).unwrap();
    assert!(again.tips.is_empty() && again.pack.is_none());
}

#[test]
fn a_history_of_nothing_else_becomes_empty_commits() {
    let repo = TestRepo::new();
    let only = repo.commit(None, vec![add_lfs("w.bin", 7)]);
    let doomed = HashSet::from([found(&repo, &[only])[0].blob]);
    let rewritten = rewrite_without(&repo.reader(), repo.scratch(), &[only], &doomed).unwrap();
    repo.install_pack(rewritten.pack.as_ref().unwrap());
    repo.git(&["update-ref", "refs/heads/main", &rewritten.tips[&only].to_hex()]);
    repo.fsck();
    assert!(repo.ls_tree(rewritten.tips[&only]).is_empty());
}

#[test]
fn signatures_are_dropped_where_they_no_longer_fit() {
    let repo = TestRepo::new();
    let only = repo.commit(None, vec![add("a", "1"), add_lfs("w.bin", 7)]);
    let text = repo.git(&["cat-file", "commit", &only.to_hex()]);
    let signed = text.replacen("\n\n", "\ngpgsig -----BEGIN\n abc\n \n -----END\nencoding UTF-8\n\n", 1);
    std::fs::write(repo.scratch().join("signed"), format!("{signed}\n")).unwrap();
    let file = repo.scratch().join("signed");
    let signed: Oid = repo.git(&["hash-object", "-w", "-t", "commit", file.to_str().unwrap()]).parse().unwrap();
    let doomed = HashSet::from([found(&repo, &[signed])[0].blob]);
    let rewritten = rewrite_without(&repo.reader(), repo.scratch(), &[signed], &doomed).unwrap();
    repo.install_pack(rewritten.pack.as_ref().unwrap());
    let new = repo.git(&["cat-file", "commit", &rewritten.tips[&signed].to_hex()]);
    assert!(!new.contains("gpgsig") && !new.contains("END") && new.contains("\nencoding UTF-8\n\n"), "{new}");
}
