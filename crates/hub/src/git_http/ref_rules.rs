//! Which refs a push may change, and how. Pure: what the refs are and who asks is decided before.

use std::collections::{HashMap, HashSet};

use hub_git::receive_pack::{CommandKind, RefCommand};
use hub_types::{Oid, RefName};

use super::push_right::PushRight;
use super::snapshot::Snapshot;
use crate::repos::discussions::number_of_ref;
use crate::repos::refs::RefUpdate;

/// What a command comes to: a move, nothing to do, or the reason why not.
pub(super) type Verdict = Result<Option<RefUpdate>, String>;

/// Judges each command by itself and against the others.
pub(super) fn judge(commands: &[RefCommand], snapshot: &Snapshot, right: &PushRight) -> Vec<Verdict> {
    let mut verdicts = Known::new(&snapshot.refs, &snapshot.head).judge(commands);
    for (command, verdict) in commands.iter().zip(&mut verdicts) {
        if let (Some(name), Ok(_)) = (&command.name, &verdict)
            && let Err(reason) = check_right(name, right)
        {
            *verdict = Err(reason);
        }
    }
    verdicts
}

fn check_right(name: &RefName, right: &PushRight) -> Result<(), String> {
    match number_of_ref(name.as_str()) {
        Some(num) if right.may_change_pull(num) => Ok(()),
        Some(num) if right.writes() => Err(format!("pull request #{num} is closed; open it again on the hub to push to it")),
        Some(num) => Err(format!("pull request #{num} is not yours, or it is closed")),
        None if right.writes() => Ok(()),
        None => Err("you may push to your pull requests only".to_owned()),
    }
}

struct Known<'a> {
    refs: HashMap<&'a RefName, Oid>,
    head: &'a RefName,
}

impl<'a> Known<'a> {
    fn new(refs: &'a [(RefName, Oid)], head: &'a RefName) -> Self {
        Self { refs: refs.iter().map(|(name, oid)| (name, *oid)).collect(), head }
    }

    fn judge(&self, commands: &[RefCommand]) -> Vec<Verdict> {
        let mut seen = HashSet::new();
        let mut names = self.names_after(commands);
        names.sort_unstable();
        commands
            .iter()
            .map(|command| {
                if !seen.insert(command.raw_name.as_slice()) {
                    return Err("the push names this ref more than once".to_owned());
                }
                self.judge_one(command, &names)
            })
            .collect()
    }

    fn judge_one(&self, command: &RefCommand, names: &[&str]) -> Verdict {
        let name = command.name.as_ref().ok_or("this is not a valid name for a ref")?;
        check_namespace(name)?;
        let found = self.refs.get(name).copied();
        let kind = command.kind();
        if is_pull_request(name) && (kind != CommandKind::Update || found.is_none()) {
            return Err("pull requests are opened and closed on the hub; only commits can be pushed to them".to_owned());
        }
        if kind == CommandKind::Delete && name == self.head {
            return Err(format!("`{}` is the default branch, which cannot be deleted", short(name)));
        }
        if kind != CommandKind::Delete
            && let Some(other) = in_the_way(name.as_str(), names)
        {
            return Err(format!("'{other}' exists; cannot create '{name}'"));
        }
        let new = (!command.new.is_zero()).then_some(command.new);
        if found == new {
            return Ok(None);
        }
        match (found, command.old.is_zero()) {
            (Some(_), true) => Err("already exists; fetch first".to_owned()),
            (Some(found), false) if found != command.old => Err("fetch first".to_owned()),
            (None, false) => Err("does not exist any more; run `git fetch --prune`".to_owned()),
            (Some(_), false) | (None, true) => Ok(Some(RefUpdate { name: name.clone(), expected: found, new })),
        }
    }

    /// The names there would be if all commands went through.
    fn names_after<'c>(&'c self, commands: &'c [RefCommand]) -> Vec<&'c str> {
        let named = |deletes: bool| {
            let chosen = commands.iter().filter(move |command| (command.kind() == CommandKind::Delete) == deletes);
            chosen.filter_map(|command| command.name.as_ref().map(RefName::as_str))
        };
        let deleted: HashSet<&str> = named(true).collect();
        let kept = self.refs.keys().map(|name| name.as_str()).filter(|name| !deleted.contains(name));
        kept.chain(named(false)).collect()
    }
}

fn check_namespace(name: &RefName) -> Result<(), String> {
    if name.as_str().starts_with("refs/convert/") {
        return Err("refs under `refs/convert/` are made by the hub".to_owned());
    }
    let valid = match (name.branch_name(), name.tag_name()) {
        (Some(branch), _) => RefName::branch(branch).is_ok(),
        (None, Some(tag)) => RefName::tag(tag).is_ok(),
        (None, None) if is_pull_request(name) => true,
        (None, None) => return Err("only branches and tags can be pushed".to_owned()),
    };
    if valid { Ok(()) } else { Err(format!("`{}` could be taken for something else; choose another name", short(name))) }
}

fn is_pull_request(name: &RefName) -> bool {
    name.as_str().starts_with("refs/pr/")
}

fn short(name: &RefName) -> &str {
    name.branch_name().or_else(|| name.tag_name()).unwrap_or(name.as_str())
}

/// The ref beside which another cannot live, as files cannot: `refs/heads/a` beside `refs/heads/a/b`. Clones need that.
fn in_the_way<'a>(name: &str, sorted: &[&'a str]) -> Option<&'a str> {
    let folder = format!("{name}/");
    let next = sorted.partition_point(|other| *other < folder.as_str());
    if let Some(inside) = sorted.get(next).filter(|other| other.starts_with(&folder)) {
        return Some(inside);
    }
    let parents = name.match_indices('/').filter_map(|(index, _)| name.get(..index));
    let mut parents = parents.filter(|parent| parent.matches('/').count() >= 2);
    parents.find_map(|parent| sorted.get(sorted.binary_search(&parent).ok()?).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Oid = Oid::from_bytes([0xa; 20]);
    const B: Oid = Oid::from_bytes([0xb; 20]);
    const ZERO: Oid = Oid::ZERO;

    fn command(old: Oid, new: Oid, name: &str) -> RefCommand {
        RefCommand { old, new, raw_name: name.as_bytes().to_vec(), name: RefName::new(name).ok() }
    }

    fn judge(commands: &[RefCommand]) -> Vec<Verdict> {
        let refs: Vec<(RefName, Oid)> = ["refs/heads/dev", "refs/heads/main", "refs/pr/1", "refs/tags/v1"]
            .into_iter()
            .map(|name| (RefName::new(name).unwrap(), A))
            .collect();
        let head = RefName::branch("main").unwrap();
        Known::new(&refs, &head).judge(commands)
    }

    fn judge_one(old: Oid, new: Oid, name: &str) -> Verdict {
        judge(&[command(old, new, name)]).remove(0)
    }

    #[test]
    fn branches_and_tags_come_move_and_go() {
        for (old, new, name) in [
            (ZERO, B, "refs/heads/new"),
            (A, B, "refs/heads/main"),
            (A, ZERO, "refs/heads/dev"),
            (ZERO, B, "refs/tags/v2"),
            (A, B, "refs/tags/v1"),
            (A, ZERO, "refs/tags/v1"),
            (A, B, "refs/pr/1"),
        ] {
            let expected = (!old.is_zero()).then_some(old);
            let update = RefUpdate { name: RefName::new(name).unwrap(), expected, new: (!new.is_zero()).then_some(new) };
            assert_eq!(judge_one(old, new, name), Ok(Some(update)), "{name}");
        }
    }

    #[test]
    fn what_is_so_already_is_left_alone() {
        assert_eq!(judge_one(A, A, "refs/heads/main"), Ok(None));
        assert_eq!(judge_one(ZERO, A, "refs/heads/main"), Ok(None));
        assert_eq!(judge_one(B, ZERO, "refs/heads/gone"), Ok(None));
    }

    #[test]
    fn stale_commands_are_told_to_fetch() {
        assert!(judge_one(B, Oid::from_bytes([1; 20]), "refs/heads/main").unwrap_err().contains("fetch first"));
        assert!(judge_one(ZERO, B, "refs/heads/main").unwrap_err().contains("fetch first"));
        assert!(judge_one(A, B, "refs/heads/gone").unwrap_err().contains("fetch --prune"));
        assert!(judge_one(B, ZERO, "refs/heads/dev").unwrap_err().contains("fetch first"));
    }

    #[test]
    fn other_refs_are_refused() {
        for name in [
            "refs/convert/parquet",
            "refs/notes/commits",
            "refs/stash",
            "refs/replace/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "refs/pr/2",
            "refs/heads/refs/heads/x",
            "refs/heads/HEAD",
            "refs/heads/-x",
            "refs/heads/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "HEAD",
            "refs/heads/a..b",
        ] {
            assert!(judge_one(ZERO, B, name).is_err(), "{name}");
        }
        assert!(judge_one(A, ZERO, "refs/pr/1").is_err());
    }

    #[test]
    fn the_default_branch_stays() {
        assert!(judge_one(A, ZERO, "refs/heads/main").unwrap_err().contains("default branch"));
    }

    #[test]
    fn refs_cannot_be_file_and_folder() {
        assert!(judge_one(ZERO, B, "refs/heads/main/x").is_err());
        assert!(judge_one(ZERO, B, "refs/heads/maine").is_ok());
        let both = judge(&[command(ZERO, B, "refs/heads/x"), command(ZERO, B, "refs/heads/x/y")]);
        assert!(both.iter().all(Result::is_err));
        let swap = judge(&[command(A, ZERO, "refs/heads/dev"), command(ZERO, B, "refs/heads/dev/two")]);
        assert!(swap.iter().all(Result::is_ok));
    }

    #[test]
    fn a_ref_is_named_once() {
        let twice = judge(&[command(A, B, "refs/heads/dev"), command(A, ZERO, "refs/heads/dev")]);
        assert!(twice[0].is_ok() && twice[1].is_err());
    }
}
