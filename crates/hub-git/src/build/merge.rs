//! Joining two histories: what git joins by itself, and what somebody must settle.

mod text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{DiffFile, FileMode, Index, IndexEntry, IndexTime, MergeOptions, ObjectType, Odb, Repository, Tree};
use hub_types::Oid;

use super::pack::PackWriter;
use super::{BuiltCommit, CommitMeta, write_commit};
use crate::object::{MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, rows};
use crate::oid::{from_git, to_git};
use crate::reader::{GitReader, MAX_DEPTH, find, read};
use crate::{Error, LfsPointer, Result};

pub use text::{MergedText, merge_text};

/// Before the disk's objects: what a merge makes is kept in memory and never written among them.
const IN_MEMORY_FIRST: i32 = 1000;
/// The most conflicts that are named.
const MAX_CONFLICTS: usize = 100;
/// The largest file that is merged line by line, in bytes.
pub const MAX_MERGED_FILE_BYTES: u64 = 512 * 1024;
/// The most that all such files of a merge have together, both sides counted.
const MAX_MERGED_BYTES: u64 = 8 * 1024 * 1024;

/// A file of one side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The blob; of a submodule, the commit.
    pub oid: Oid,
    /// Its mode.
    pub mode: u32,
    /// The bytes that git holds.
    pub size: u64,
}

impl Version {
    fn of(odb: &Odb<'_>, oid: Oid, mode: u32) -> Result<Self> {
        let size = if mode == MODE_SUBMODULE { 0 } else { odb.read_header(to_git(oid)?)?.0 as u64 };
        Ok(Self { oid, mode, size })
    }

    /// Whether it is a file, and no link or submodule.
    pub fn is_file(&self) -> bool {
        matches!(self.mode, MODE_FILE | MODE_EXECUTABLE)
    }
}

/// A path that both sides changed, each in its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConflict {
    /// As git has it.
    raw: Vec<u8>,
    /// The path, ready to print.
    pub path: String,
    /// What was there before the two parted.
    pub base: Option<Version>,
    /// What is there on the side that is merged into.
    pub ours: Option<Version>,
    /// What is there on the side that is merged.
    pub theirs: Option<Version>,
}

impl FileConflict {
    fn new(raw: Vec<u8>) -> Self {
        Self { path: String::from_utf8_lossy(&raw).into_owned(), raw, base: None, ours: None, theirs: None }
    }
}

/// What becomes of a conflict.
#[derive(Debug, Clone, Copy)]
pub enum Settled<'a> {
    /// What is there on the side that is merged into, or nothing.
    Ours,
    /// What is there on the side that is merged, or nothing.
    Theirs,
    /// This file.
    Content(&'a [u8]),
}

/// Two histories that are joined in memory. Everything but the [conflicts](Self::conflicts) is joined as git does it.
pub struct Merge {
    /// The repository once more, with a place in memory for what is new.
    work: GitReader,
    index: Index,
    /// The trees: where the two parted, and of either side.
    trees: [Oid; 3],
    /// What both sides changed and is not left to git: somebody must settle it.
    held_back: BTreeMap<Vec<u8>, FileConflict>,
    /// What was settled and must be there in the end.
    kept: Vec<Vec<u8>>,
    /// Whether there is so much of it that nothing was joined.
    too_much: bool,
}

impl Merge {
    /// Joins `from` with `onto`. Nothing is written.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn new(base: &GitReader, onto: Oid, from: Oid) -> Result<Self> {
        let work = GitReader::open(base.repo().path())?;
        work.odb()?.add_new_mempack_backend(IN_MEMORY_FIRST)?;
        let parted = match base.merge_base(onto, from)? {
            Some(parted) => base.tree_of(parted)?,
            // Histories that never met have nothing in common.
            None => from_git(work.repo().treebuilder(None)?.write()?)?,
        };
        let trees = [parted, base.tree_of(onto)?, base.tree_of(from)?];
        let (index, held_back, too_much) = join(work.repo(), trees)?;
        Ok(Self { work, index, trees, held_back, kept: Vec::new(), too_much })
    }

    /// What somebody must settle, by path.
    ///
    /// # Errors
    /// Objects are missing.
    pub fn conflicts(&self) -> Result<Vec<FileConflict>> {
        let mut found = self.held_back.clone();
        if self.index.has_conflicts() {
            let odb = self.work.odb()?;
            for conflict in self.index.conflicts()? {
                let conflict = conflict?;
                for (side, entry) in [conflict.ancestor, conflict.our, conflict.their].into_iter().enumerate() {
                    let Some(entry) = entry else { continue };
                    let version = Version::of(&odb, from_git(entry.id)?, entry.mode)?;
                    let named = found.entry(entry.path.clone()).or_insert_with(|| FileConflict::new(entry.path));
                    *match side {
                        0 => &mut named.base,
                        1 => &mut named.ours,
                        _ => &mut named.theirs,
                    } = Some(version);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// The paths of the conflicts: at most a hundred.
    ///
    /// # Errors
    /// Objects are missing.
    pub fn conflict_paths(&self) -> Result<Vec<String>> {
        Ok(self.conflicts()?.into_iter().take(MAX_CONFLICTS).map(|conflict| conflict.path).collect())
    }

    /// Whether both sides changed so many large files that the two cannot be joined here at all.
    pub fn is_too_much(&self) -> bool {
        self.too_much
    }

    /// The versions of a file that both sides changed, whether or not git can join them.
    ///
    /// # Errors
    /// Objects are missing.
    pub fn both_changed(&self, path: &str) -> Result<Option<FileConflict>> {
        let odb = self.work.odb()?;
        let at = |tree: Oid| match find(&odb, tree, path)? {
            Some((mode, oid)) => Version::of(&odb, oid, mode).map(|version| Some(version).filter(Version::is_file)),
            None => Ok(None),
        };
        let [parted, ours, theirs] = self.trees;
        let (ours, theirs) = (at(ours)?, at(theirs)?);
        if ours.is_none() || theirs.is_none() || ours == theirs {
            return Ok(None);
        }
        let found = FileConflict { base: at(parted)?, ours, theirs, ..FileConflict::new(path.as_bytes().to_vec()) };
        Ok(Some(found).filter(|found| found.base != found.ours && found.base != found.theirs))
    }

    /// The bytes of a version that has at most `limit` of them; none when there is no such version.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or the object is missing.
    pub fn bytes(&self, version: Option<Version>, limit: u64) -> Result<Vec<u8>> {
        version.map_or_else(|| Ok(Vec::new()), |version| self.work.blob(version.oid, limit))
    }

    /// Makes a conflict of what git joined.
    pub fn hold_back(&mut self, conflict: FileConflict) {
        self.held_back.insert(conflict.raw.clone(), conflict);
    }

    /// Settles a conflict.
    ///
    /// # Errors
    /// The path is none that git takes.
    pub fn settle(&mut self, conflict: &FileConflict, with: Settled<'_>) -> Result<()> {
        let path = Path::new(OsStr::from_bytes(&conflict.raw));
        self.held_back.remove(&conflict.raw);
        if self.index.conflict_get(path).is_ok() {
            self.index.conflict_remove(path)?;
        }
        let version = match with {
            Settled::Ours => conflict.ours.map(|version| (version.oid, version.mode)),
            Settled::Theirs => conflict.theirs.map(|version| (version.oid, version.mode)),
            Settled::Content(bytes) => {
                let file = [conflict.ours, conflict.theirs].into_iter().flatten().find(Version::is_file);
                let blob = from_git(self.work.repo().blob(bytes)?)?;
                Some((blob, file.map_or(MODE_FILE, |version| version.mode)))
            }
        };
        match version {
            Some((oid, mode)) => {
                self.index.add(&row(&conflict.raw, oid, mode)?)?;
                self.kept.push(conflict.raw.clone());
            }
            None if self.index.get_path(path, 0).is_some() => self.index.remove(path, 0)?,
            None => {}
        }
        Ok(())
    }

    /// Builds a commit of what was joined, with these parents. With one parent that has all of it, that one is given back. The pack
    /// is written below `scratch`.
    ///
    /// # Errors
    /// [`Error::PathConflict`] when what was settled is a file in the place of a folder; something is not settled.
    pub fn commit(mut self, base: &GitReader, scratch: &Path, parents: &[Oid], meta: &CommitMeta) -> Result<BuiltCommit> {
        for path in &self.kept {
            if self.index.get_path(Path::new(OsStr::from_bytes(path)), 0).is_none() {
                let path = String::from_utf8_lossy(path).into_owned();
                return Err(Error::PathConflict { existing: path.clone(), path, kind: "folder" });
            }
        }
        let tree = from_git(self.index.write_tree_to(self.work.repo())?)?;
        if let [parent] = parents
            && tree == base.tree_of(*parent)?
        {
            return Ok(BuiltCommit { commit: *parent, tree, pack: None, lfs: Vec::new(), changed: false });
        }
        let odb = self.work.odb()?;
        let mut new = NewObjects { merged: &odb, base, pack: PackWriter::new(base, scratch)?, lfs: Vec::new() };
        new.copy(tree, 0)?;
        let NewObjects { mut pack, lfs, .. } = new;
        let commit = write_commit(&mut pack, tree, parents, meta)?;
        Ok(BuiltCommit { commit, tree, pack: pack.finish()?, lfs, changed: true })
    }
}

impl std::fmt::Debug for Merge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merge").field("trees", &self.trees).field("held_back", &self.held_back.len()).finish_non_exhaustive()
    }
}

type Joined = (Index, BTreeMap<Vec<u8>, FileConflict>, bool);

/// Joins three trees, but for the files that are too large for it.
fn join(repo: &Repository, trees: [Oid; 3]) -> Result<Joined> {
    let [parted, ours, theirs] = trees.map(to_git);
    let (parted, ours) = (repo.find_tree(parted?)?, repo.find_tree(ours?)?);
    let mut theirs = repo.find_tree(theirs?)?;
    let held_back = too_large(repo, &parted, &ours, &theirs)?;
    if !held_back.is_empty() {
        match as_ours(repo, &theirs, &held_back) {
            Some(tree) if held_back.len() <= MAX_CONFLICTS => theirs = repo.find_tree(tree)?,
            _ => return Ok((Index::new()?, held_back, true)),
        }
    }
    let index = repo.merge_trees(&parted, &ours, &theirs, Some(&MergeOptions::new()))?;
    Ok((index, held_back, false))
}

/// Their tree with our files at some paths: so that git has nothing to join there.
fn as_ours(repo: &Repository, theirs: &Tree<'_>, paths: &BTreeMap<Vec<u8>, FileConflict>) -> Option<git2::Oid> {
    let mut update = TreeUpdateBuilder::new();
    for conflict in paths.values() {
        let ours = conflict.ours?;
        let mode = match ours.mode {
            MODE_FILE => FileMode::Blob,
            MODE_EXECUTABLE => FileMode::BlobExecutable,
            _ => return None,
        };
        update.upsert(Path::new(OsStr::from_bytes(&conflict.raw)), to_git(ours.oid).ok()?, mode);
    }
    // It cannot be done where a folder is in the way.
    update.create_updated(repo, theirs).ok()
}

/// The files that both sides changed and that are too large to be merged line by line, one alone or all together: that takes time
/// that grows with the square of what differs.
fn too_large(
    repo: &Repository,
    parted: &Tree<'_>,
    ours: &Tree<'_>,
    theirs: &Tree<'_>,
) -> Result<BTreeMap<Vec<u8>, FileConflict>> {
    let odb = repo.odb()?;
    let version = |side: Option<Side>| side.map(|(oid, mode)| Version::of(&odb, from_git(oid)?, mode)).transpose();
    let (mut ours, mut found, mut total) = (changed(repo, parted, ours)?, BTreeMap::new(), 0);
    for (path, [base, theirs]) in changed(repo, parted, theirs)? {
        let Some([_, ours]) = ours.remove(&path) else { continue };
        if ours == theirs {
            continue;
        }
        let (Some(our), Some(their)) = (version(ours)?, version(theirs)?) else { continue };
        total += our.size + their.size;
        if our.size > MAX_MERGED_FILE_BYTES || their.size > MAX_MERGED_FILE_BYTES || total > MAX_MERGED_BYTES {
            let sides = FileConflict { base: version(base)?, ours: Some(our), theirs: Some(their), ..FileConflict::new(path) };
            found.insert(sides.raw.clone(), sides);
        }
    }
    Ok(found)
}

/// A blob and its mode.
type Side = (git2::Oid, u32);

/// The files that differ, and what they are in either tree.
fn changed(repo: &Repository, old: &Tree<'_>, new: &Tree<'_>) -> Result<BTreeMap<Vec<u8>, [Option<Side>; 2]>> {
    let diff = repo.diff_tree_to_tree(Some(old), Some(new), None)?;
    let side = |file: DiffFile<'_>| Some((file.id(), u32::from(file.mode()))).filter(|(oid, _)| !oid.is_zero());
    let files = diff.deltas().map(|delta| (delta.new_file(), [side(delta.old_file()), side(delta.new_file())]));
    Ok(files.filter_map(|(file, sides)| Some((file.path_bytes()?.to_owned(), sides))).collect())
}

/// A file as an index has it.
fn row(path: &[u8], oid: Oid, mode: u32) -> Result<IndexEntry> {
    let never = IndexTime::new(0, 0);
    Ok(IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: to_git(oid)?,
        flags: 0,
        flags_extended: 0,
        path: path.to_owned(),
    })
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
