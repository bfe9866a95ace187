//! Walking commits.

mod last_commits;
mod lfs_files;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use git2::{Odb, Sort};
use hub_types::Oid;

use crate::object::{CommitInfo, CommitLinks};
use crate::oid::{from_git, to_git};
use crate::reader::{GitReader, find};
use crate::{Error, Result};

pub use last_commits::LastCommitsHelp;
pub use lfs_files::LfsFile;

/// Which commits [`GitReader::log`] gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRange<'a> {
    /// How many to leave out from the start.
    pub skip: usize,
    /// How many to give at most.
    pub limit: usize,
    /// Only those that changed the file or folder here.
    pub path: Option<&'a str>,
}

impl GitReader {
    /// The history of a commit, newest first, in the order of `git log`.
    ///
    /// # Errors
    /// The commit is unknown or objects are missing.
    pub fn log(&self, commit: Oid, range: LogRange<'_>) -> Result<Vec<CommitInfo>> {
        let odb = self.odb()?;
        let mut walk = Walk::new(self, &odb, commit, range.path)?;
        let mut found = Vec::new();
        let mut passed = 0;
        while found.len() < range.limit {
            let Some(oid) = walk.next()? else { break };
            if passed < range.skip {
                passed += 1;
            } else {
                found.push(self.commit(oid)?);
            }
        }
        Ok(found)
    }

    /// The commits that `head` has and `base` has not, newest first, as `git log base..head` gives them, `limit` at most.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn log_between(&self, base: Oid, head: Oid, limit: usize) -> Result<Vec<CommitInfo>> {
        let mut walk = self.repo().revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(to_git(head)?)?;
        walk.hide(to_git(base)?)?;
        walk.take(limit).map(|oid| self.commit(from_git(oid?)?)).collect()
    }

    /// The commits that any of `heads` has and none of `known`, in no order, `limit` at most.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn commits_beyond(&self, heads: &[Oid], known: &[Oid], limit: usize) -> Result<Vec<CommitInfo>> {
        let mut walk = self.repo().revwalk()?;
        for head in heads {
            if let Some(commit) = self.peel(*head)? {
                walk.push(to_git(commit)?)?;
            }
        }
        for known in known {
            if let Some(commit) = self.peel(*known)? {
                walk.hide(to_git(commit)?)?;
            }
        }
        walk.take(limit).map(|oid| self.commit(from_git(oid?)?)).collect()
    }

    /// How many commits `head` has that `base` has not, and the other way round.
    ///
    /// # Errors
    /// A commit is unknown.
    pub fn ahead_behind(&self, base: Oid, head: Oid) -> Result<(usize, usize)> {
        Ok(self.repo().graph_ahead_behind(to_git(head)?, to_git(base)?)?)
    }

    /// How many commits the history of a commit has, itself included.
    ///
    /// `known` gives counts from before. They are used while the history is a single line, which
    /// makes counting after one more commit instant.
    ///
    /// # Errors
    /// The commit is unknown or objects are missing.
    pub fn count_commits(&self, commit: Oid, known: impl Fn(Oid) -> Option<u64>) -> Result<u64> {
        let odb = self.odb()?;
        let (mut waiting, mut seen, mut linear) = (vec![commit], HashSet::from([commit]), true);
        let mut count = 0;
        while let Some(oid) = waiting.pop() {
            if linear && let Some(before) = known(oid) {
                return Ok(count + before);
            }
            count += 1;
            let parents = self.links(&odb, oid)?.parents;
            linear &= parents.len() < 2;
            waiting.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
        }
        Ok(count)
    }

    /// How many commits the history of a file or folder has.
    ///
    /// # Errors
    /// The commit is unknown or objects are missing.
    pub fn count_commits_of_path(&self, commit: Oid, path: &str) -> Result<u64> {
        let odb = self.odb()?;
        let mut walk = Walk::new(self, &odb, commit, Some(path))?;
        let mut count = 0;
        while walk.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Whether `ancestor` is in the history of `commit`, or is it.
    ///
    /// # Errors
    /// A commit is unknown.
    pub fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool> {
        Ok(ancestor == commit || self.repo().graph_descendant_of(to_git(commit)?, to_git(ancestor)?)?)
    }

    /// The best common ancestor of two commits, if their histories meet.
    ///
    /// # Errors
    /// A commit is unknown.
    pub fn merge_base(&self, one: Oid, two: Oid) -> Result<Option<Oid>> {
        match self.repo().merge_base(to_git(one)?, to_git(two)?) {
            Ok(base) => from_git(base).map(Some),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Commits waiting in a walk: the newest first, and among equals the first that came.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<(i64, Reverse<u64>, Oid)>,
    count: u64,
}

impl Queue {
    pub(super) fn push(&mut self, time: i64, oid: Oid) {
        self.count += 1;
        self.heap.push((time, Reverse(self.count), oid));
    }

    pub(super) fn pop(&mut self) -> Option<Oid> {
        self.heap.pop().map(|(_, _, oid)| oid)
    }
}

/// A walk over history as `git log [-- path]` does it: a merge that agrees with one parent about the
/// path is passed over and only that parent followed.
struct Walk<'a> {
    reader: &'a GitReader,
    odb: &'a Odb<'a>,
    path: Option<&'a str>,
    queue: Queue,
    seen: HashSet<Oid>,
    /// What the path is in the tree looked at last: mostly that of the next commit.
    last: Option<(Oid, Option<(u32, Oid)>)>,
}

impl<'a> Walk<'a> {
    fn new(reader: &'a GitReader, odb: &'a Odb<'a>, start: Oid, path: Option<&'a str>) -> Result<Self> {
        let path = path.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty());
        let mut walk = Self { reader, odb, path, queue: Queue::default(), seen: HashSet::new(), last: None };
        walk.push(start)?;
        Ok(walk)
    }

    fn push(&mut self, oid: Oid) -> Result<()> {
        if self.seen.insert(oid) {
            let time = self.reader.links(self.odb, oid)?.time;
            self.queue.push(time, oid);
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Oid>> {
        while let Some(oid) = self.queue.pop() {
            let links = self.reader.links(self.odb, oid)?;
            let Some(path) = self.path else {
                self.push_all(&links.parents)?;
                return Ok(Some(oid));
            };
            if self.follow(path, &links)? {
                return Ok(Some(oid));
            }
        }
        Ok(None)
    }

    /// Queues the parents that matter; true when the commit itself changed the path.
    fn follow(&mut self, path: &str, links: &CommitLinks) -> Result<bool> {
        let here = self.find(links.tree, path)?;
        for parent in &links.parents {
            let tree = self.reader.links(self.odb, *parent)?.tree;
            if tree == links.tree || self.find(tree, path)? == here {
                self.push(*parent)?;
                return Ok(false);
            }
        }
        self.push_all(&links.parents)?;
        Ok(!links.parents.is_empty() || here.is_some())
    }

    fn find(&mut self, tree: Oid, path: &str) -> Result<Option<(u32, Oid)>> {
        if let Some((_, found)) = self.last.filter(|(last, _)| *last == tree) {
            return Ok(found);
        }
        let found = find(self.odb, tree, path)?;
        self.last = Some((tree, found));
        Ok(found)
    }

    fn push_all(&mut self, parents: &[Oid]) -> Result<()> {
        parents.iter().try_for_each(|parent| self.push(*parent))
    }
}

/// A commit that a history needs but that is not there, told apart from one that was asked for.
pub(super) fn missing_parent(error: Error, parent: Oid) -> Error {
    match error {
        Error::RevisionNotFound(_) => Error::ObjectMissing(parent),
        other => other,
    }
}
