use std::collections::HashMap;
use std::path::Path;

use hub_git::{LastCommitsHelp, LogRange};
use hub_types::Oid;

use crate::support::{TestRepo, add, git_command};

/// A history with branches and merges: files are changed on both sides, some alike.
fn tangled() -> (TestRepo, Oid) {
    let repo = TestRepo::new();
    let work = repo.work_tree();
    let mut clock = 1_700_000_000;
    let mut run = |args: &[&str]| {
        clock += 100;
        let date = format!("{clock} +0000");
        let done = git_command(&work).args(args).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date).output().unwrap();
        assert!(done.status.success(), "{args:?} {done:?}");
    };
    let write = |name: &str, content: &str| {
        std::fs::create_dir_all(Path::new(&work).join(name).parent().unwrap()).unwrap();
        std::fs::write(work.join(name), content).unwrap();
    };
    for n in 0..6 {
        write(&format!("d/f{n}"), &n.to_string());
        write("top", &n.to_string());
        run(&["add", "."]);
        run(&["commit", "-qm", &format!("linear {n}")]);
    }
    run(&["checkout", "-qb", "side", "HEAD~2"]);
    write("d/side", "s");
    write("d/f1", "changed on the side");
    run(&["add", "."]);
    run(&["commit", "-qm", "side 1"]);
    write("d/deep/x", "x");
    run(&["add", "."]);
    run(&["commit", "-qm", "side 2"]);
    run(&["checkout", "-q", "main"]);
    write("d/f2", "changed on main");
    run(&["add", "."]);
    run(&["commit", "-qm", "main 1"]);
    run(&["merge", "-q", "--no-ff", "-m", "merge side", "side"]);
    run(&["rm", "-q", "d/f0"]);
    run(&["commit", "-qm", "remove f0"]);
    write("d/f0", "0");
    run(&["add", "."]);
    run(&["commit", "-qm", "bring f0 back"]);
    let head = repo.collect(&work);
    (repo, head)
}

#[test]
fn logs_are_those_of_git() {
    let (repo, head) = tangled();
    let reader = repo.reader();
    for path in [None, Some("d"), Some("d/f0"), Some("d/f1"), Some("d/deep"), Some("top"), Some("d/side"), Some("nope")] {
        let mut args = vec!["log", "--format=%H", "main"];
        args.extend(path.iter().flat_map(|path| ["--", path]));
        let expected = repo.git(&args);
        let log = reader.log(head, LogRange { skip: 0, limit: 1000, path }).unwrap();
        let ours: Vec<String> = log.iter().map(|commit| commit.oid.to_hex()).collect();
        assert_eq!(ours, expected.lines().collect::<Vec<_>>(), "{path:?}");
        let page = reader.log(head, LogRange { skip: 1, limit: 2, path }).unwrap();
        assert_eq!(page, log.iter().skip(1).take(2).cloned().collect::<Vec<_>>(), "{path:?}");
        if let Some(path) = path {
            assert_eq!(reader.count_commits_of_path(head, path).unwrap(), ours.len() as u64, "{path}");
        }
    }
    let first = &reader.log(head, LogRange { skip: 0, limit: 1, path: None }).unwrap()[0];
    assert_eq!((first.title.as_str(), first.author.name.as_str(), first.parents.len()), ("bring f0 back", "Ada", 1));
}

#[test]
fn the_last_commit_of_each_entry_is_that_of_git() {
    let (repo, head) = tangled();
    let reader = repo.reader();
    for folder in ["", "d", "d/deep"] {
        let found = reader.last_commits(head, folder, &no_help()).unwrap();
        let listed = reader.list_folder(head, folder, None, 100).unwrap().entries;
        let expected: HashMap<String, Oid> = listed
            .iter()
            .map(|entry| {
                (entry.name().to_owned(), repo.git(&["log", "-1", "--format=%H", "main", "--", &entry.path]).parse().unwrap())
            })
            .collect();
        assert_eq!(found, expected, "{folder:?}");
    }
    assert!(reader.last_commits(head, "top", &no_help()).is_err());
}

fn no_help() -> LastCommitsHelp<'static> {
    LastCommitsHelp { known: &|_| None, until: None }
}

#[test]
fn what_was_found_for_an_earlier_commit_is_used() {
    let (repo, before) = tangled();
    let head = repo.commit(Some(before), vec![add("d/f3", "newest")]);
    let reader = repo.reader();
    let expected = reader.last_commits(head, "d", &no_help()).unwrap();
    let mut earlier = reader.last_commits(before, "d", &no_help()).unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let known = |commit: Oid| {
        asked.borrow_mut().push(commit);
        (commit == before).then(|| earlier.clone())
    };
    assert_eq!(reader.last_commits(head, "d", &LastCommitsHelp { known: &known, until: None }).unwrap(), expected);
    assert_eq!(*asked.borrow(), [head, before], "nothing older is looked at");
    // What the earlier search did not find is searched for further.
    earlier.remove("f1");
    let known = |commit: Oid| (commit == before).then(|| earlier.clone());
    assert_eq!(reader.last_commits(head, "d", &LastCommitsHelp { known: &known, until: None }).unwrap(), expected);
    let late = LastCommitsHelp { known: &|_| None, until: Some(std::time::Instant::now() - std::time::Duration::from_secs(1)) };
    assert!(reader.last_commits(head, "d", &late).unwrap().is_empty());
}

#[test]
fn commits_are_counted_once() {
    let (repo, head) = tangled();
    let expected: u64 = repo.git(&["rev-list", "--count", "main"]).parse().unwrap();
    let reader = repo.reader();
    assert_eq!(reader.count_commits(head, |_| None).unwrap(), expected);
    drop(reader);
    let next = repo.commit(Some(head), vec![add("more", "1")]);
    let known = |oid| (oid == head).then_some(expected);
    assert_eq!(repo.reader().count_commits(next, known).unwrap(), expected + 1);
    // Behind a merge the lines share commits, so a known count there must not be added.
    let side: Oid = repo.git(&["log", "--format=%H", "--grep=side 2", "main"]).parse().unwrap();
    assert_eq!(repo.reader().count_commits(head, |oid| (oid == side).then_some(1000)).unwrap(), expected);
}

#[test]
fn ancestors_and_merge_bases_are_those_of_git() {
    let (repo, head) = tangled();
    let named = |title: &str| repo.git(&["log", "--format=%H", &format!("--grep=^{title}$"), "main"]).parse::<Oid>().unwrap();
    let reader = repo.reader();
    let (side, main) = (named("side 2"), named("main 1"));
    assert!(reader.is_ancestor(side, head).unwrap() && reader.is_ancestor(head, head).unwrap());
    assert!(!reader.is_ancestor(head, side).unwrap() && !reader.is_ancestor(side, main).unwrap());
    assert_eq!(reader.merge_base(side, main).unwrap(), Some(named("linear 3")));
    let other = repo.commit(None, vec![add("unrelated", "1")]);
    assert_eq!(repo.reader().merge_base(side, other).unwrap(), None);
}

#[test]
fn what_one_history_has_beyond_another_is_what_git_says() {
    let (repo, head) = tangled();
    let reader = repo.reader();
    let all = repo.git(&["log", "--format=%H", "main"]);
    let oid = |text: &str| text.trim().parse::<Oid>().unwrap();
    for base in all.lines() {
        let expected = repo.git(&["log", "--format=%H", "--topo-order", &format!("{base}..main")]);
        let mut expected: Vec<Oid> = expected.lines().map(oid).collect();
        let mut found: Vec<Oid> = reader.log_between(oid(base), head, 1000).unwrap().iter().map(|commit| commit.oid).collect();
        assert_eq!(reader.ahead_behind(oid(base), head).unwrap(), (expected.len(), 0), "{base}");
        assert!(reader.log_between(oid(base), head, 2).unwrap().len() <= 2);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{base}");
        let beyond = reader.commits_beyond(&[head, oid(base)], &[oid(base)], 1000).unwrap();
        let mut beyond: Vec<Oid> = beyond.iter().map(|commit| commit.oid).collect();
        beyond.sort_unstable();
        assert_eq!(beyond, expected, "{base}");
    }
    assert_eq!(reader.ahead_behind(head, oid(all.lines().last().unwrap())).unwrap(), (0, all.lines().count() - 1));
}
