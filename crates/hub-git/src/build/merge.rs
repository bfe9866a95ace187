use std::collections::HashMap;
use std::path::Path;

use git2::{Index, MergeOptions, ObjectType, Odb, Repository, Tree};
use hub_types::Oid;

use super::pack::PackWriter;
use super::{BuiltCommit, CommitMeta, write_commit};
use crate::object::{MODE_SUBMODULE, rows};
use crate::oid::{from_git, to_git};
use crate::reader::{GitReader, MAX_DEPTH, read};
use crate::{Error, LfsPointer, Result};

/// Before the disk's objects: what a merge makes is kept in memory and never written among them.
const IN_MEMORY_FIRST: i32 = 1000;
/// The most paths that are named when two changes do not fit.
const MAX_CONFLICTS: usize = 100;
/// The largest file that is merged line by line, in bytes.
const MAX_MERGED_FILE_BYTES: usize = 512 * 1024;
/// The most that all such files of a merge have together, both sides counted.
const MAX_MERGED_BYTES: usize = 8 * 1024 * 1024;

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
    let mut new = NewObjects { merged: &merge.work.odb()?, base, pack: PackWriter::new(base, scratch)?, lfs: Vec::new() };
    new.copy(tree, 0)?;
    let NewObjects { mut pack, lfs, .. } = new;
    let commit = write_commit(&mut pack, tree, &[onto], meta)?;
    Ok(SquashMerge::Merged(BuiltCommit { commit, tree, pack: pack.finish()?, lfs, changed: true }))
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
    /// What both sides changed and nobody merges line by line.
    too_large: Vec<String>,
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
        let (parted, ours, theirs) = (tree(parted)?, tree(to_git(base.tree_of(onto)?)?)?, tree(to_git(base.tree_of(from)?)?)?);
        let too_large = too_large(work.repo(), &parted, &ours, &theirs)?;
        let index = match too_large.is_empty() {
            true => work.repo().merge_trees(&parted, &ours, &theirs, Some(&MergeOptions::new()))?,
            false => Index::new()?,
        };
        drop((parted, ours, theirs));
        Ok(Self { work, index, too_large })
    }

    fn conflicts(&self) -> Result<Vec<String>> {
        if !self.too_large.is_empty() {
            return Ok(self.too_large.clone());
        }
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

/// The paths that both sides changed and whose files are too large to be merged line by line, one alone or all together: that
/// takes time that grows with the square of what differs.
fn too_large(repo: &Repository, parted: &Tree<'_>, ours: &Tree<'_>, theirs: &Tree<'_>) -> Result<Vec<String>> {
    let odb = repo.odb()?;
    let ours = changed(repo, parted, ours)?;
    let (mut paths, mut total) = (Vec::new(), 0);
    for (path, theirs) in changed(repo, parted, theirs)? {
        let Some(ours) = ours.get(&path).filter(|ours| **ours != theirs) else { continue };
        let sizes = [*ours, theirs].map(|blob| odb.read_header(blob).map_or(0, |(size, _)| size));
        total += sizes.iter().sum::<usize>();
        if paths.len() < MAX_CONFLICTS && (sizes.iter().any(|size| *size > MAX_MERGED_FILE_BYTES) || total > MAX_MERGED_BYTES) {
            paths.push(String::from_utf8_lossy(&path).into_owned());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// The files that differ, and what they are in the second tree.
fn changed(repo: &Repository, old: &Tree<'_>, new: &Tree<'_>) -> Result<HashMap<Vec<u8>, git2::Oid>> {
    let diff = repo.diff_tree_to_tree(Some(old), Some(new), None)?;
    let files = diff.deltas().map(|delta| delta.new_file());
    Ok(files.filter_map(|file| Some((file.path_bytes()?.to_owned(), file.id()))).collect())
}

/// Collects what a merge made that the repository does not have.
struct NewObjects<'a> {
    merged: &'a Odb<'a>,
    base: &'a GitReader,
    pack: PackWriter<'a>,
    /// Lines from both sides may make a pointer that neither had.
    lfs: Vec<LfsPointer>,
}

impl NewObjects<'_> {
    /// Adds a tree, and what is in it.
    fn copy(&mut self, tree: Oid, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deep" });
        }
        if self.base.contains(tree)? {
            return Ok(());
        }
        let object = read(self.merged, tree, ObjectType::Tree)?;
        for row in rows(tree, object.data()) {
            let row = row?;
            if row.is_folder() {
                self.copy(row.oid, depth + 1)?;
            } else if row.mode != MODE_SUBMODULE && !self.base.contains(row.oid)? {
                let blob = read(self.merged, row.oid, ObjectType::Blob)?;
                self.lfs.extend(LfsPointer::parse(blob.data()));
                self.pack.add(ObjectType::Blob, blob.data())?;
            }
        }
        self.pack.add(ObjectType::Tree, object.data()).map(|_| ())
    }
}
