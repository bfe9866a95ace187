use std::path::Path;

use git2::{Index, MergeOptions, ObjectType, Odb};
use hub_types::Oid;

use super::pack::PackWriter;
use super::{BuiltCommit, CommitMeta, write_commit};
use crate::object::{MODE_SUBMODULE, rows};
use crate::oid::{from_git, to_git};
use crate::reader::{GitReader, MAX_DEPTH, read};
use crate::{Error, Result};

/// Before the disk's objects: what a merge makes is kept in memory and never written among them.
const IN_MEMORY_FIRST: i32 = 1000;
/// The most paths that are named when two changes do not fit.
const MAX_CONFLICTS: usize = 100;

/// What came of a merge.
#[derive(Debug)]
pub enum SquashMerge {
    /// One commit that does all that the other history did.
    Merged(BuiltCommit),
    /// Both changed these paths, each in its own way.
    Conflicts(Vec<String>),
    /// There is nothing that is not there already.
    Unchanged,
}

/// Makes one commit on `onto` of all that `from` did since the two parted. The pack is written below `scratch`.
///
/// # Errors
/// A commit is unknown or objects are missing.
pub fn squash_merge(base: &GitReader, scratch: &Path, onto: Oid, from: Oid, meta: &CommitMeta) -> Result<SquashMerge> {
    let merge = Merge::new(base, onto, from)?;
    let conflicts = merge.conflicts()?;
    if !conflicts.is_empty() {
        return Ok(SquashMerge::Conflicts(conflicts));
    }
    let mut merge = merge;
    let tree = merge.write_tree()?;
    if tree == base.tree_of(onto)? {
        return Ok(SquashMerge::Unchanged);
    }
    let mut pack = PackWriter::new(base, scratch)?;
    copy_new(&merge.work.odb()?, base, &mut pack, tree, 0)?;
    let commit = write_commit(&mut pack, tree, &[onto], meta)?;
    Ok(SquashMerge::Merged(BuiltCommit { commit, tree, pack: pack.finish()?, lfs: Vec::new(), changed: true }))
}

impl GitReader {
    /// The paths that both `onto` and `from` changed since they parted, so that somebody must choose: at most a hundred.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn merge_conflicts(&self, onto: Oid, from: Oid) -> Result<Vec<String>> {
        if self.merge_base(onto, from)? == Some(onto) {
            return Ok(Vec::new());
        }
        Merge::new(self, onto, from)?.conflicts()
    }
}

struct Merge {
    /// The repository once more, with a place in memory for what is new.
    work: GitReader,
    index: Index,
}

impl Merge {
    fn new(base: &GitReader, onto: Oid, from: Oid) -> Result<Self> {
        let work = GitReader::open(base.repo().path())?;
        work.odb()?.add_new_mempack_backend(IN_MEMORY_FIRST)?;
        let parted = match base.merge_base(onto, from)? {
            Some(parted) => to_git(base.tree_of(parted)?)?,
            // Histories that never met have nothing in common.
            None => work.repo().treebuilder(None)?.write()?,
        };
        let tree = |oid: git2::Oid| work.repo().find_tree(oid);
        let (ours, theirs) = (tree(to_git(base.tree_of(onto)?)?)?, tree(to_git(base.tree_of(from)?)?)?);
        let index = work.repo().merge_trees(&tree(parted)?, &ours, &theirs, Some(&MergeOptions::new()))?;
        drop((ours, theirs));
        Ok(Self { work, index })
    }

    fn conflicts(&self) -> Result<Vec<String>> {
        if !self.index.has_conflicts() {
            return Ok(Vec::new());
        }
        let mut paths = Vec::new();
        for conflict in self.index.conflicts()? {
            let conflict = conflict?;
            for side in [conflict.our, conflict.their, conflict.ancestor].into_iter().flatten() {
                let path = String::from_utf8_lossy(&side.path).into_owned();
                if !paths.contains(&path) && paths.len() < MAX_CONFLICTS {
                    paths.push(path);
                }
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }

    fn write_tree(&mut self) -> Result<Oid> {
        from_git(self.index.write_tree_to(self.work.repo())?)
    }
}

/// Adds a tree to the pack, and what is in it, as far as `base` does not have it.
fn copy_new(merged: &Odb<'_>, base: &GitReader, pack: &mut PackWriter<'_>, tree: Oid, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deep" });
    }
    if base.contains(tree)? {
        return Ok(());
    }
    let object = read(merged, tree, ObjectType::Tree)?;
    for row in rows(tree, object.data()) {
        let row = row?;
        if row.is_folder() {
            copy_new(merged, base, pack, row.oid, depth + 1)?;
        } else if row.mode != MODE_SUBMODULE && !base.contains(row.oid)? {
            pack.add(ObjectType::Blob, read(merged, row.oid, ObjectType::Blob)?.data())?;
        }
    }
    pack.add(ObjectType::Tree, object.data()).map(|_| ())
}
