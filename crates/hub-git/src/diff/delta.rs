use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use git2::{ObjectType, Odb, OdbObject};
use hub_types::{Oid, Sha256};

use crate::object::{MODE_FOLDER, Rows, TreeRow, rows};
use crate::reader::{GitReader, MAX_DEPTH, read, row_size};
use crate::{Error, LfsPointer, Result};

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeStatus {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or its mode changed.
    Modified,
    /// It has the same content at another path.
    Renamed,
}

/// One version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSide {
    /// Its path.
    pub path: String,
    /// Its blob.
    pub oid: Oid,
    /// Its mode as git has it.
    pub mode: u32,
    /// The bytes that a download gives.
    pub size: u64,
    /// Its pointer, if it is in LFS.
    pub lfs: Option<LfsPointer>,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// What happened.
    pub status: ChangeStatus,
    /// How it was; `None` if it was added.
    pub old: Option<FileSide>,
    /// How it is; `None` if it was deleted.
    pub new: Option<FileSide>,
}

/// What a commit did to a repository's bookkeeping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeDelta {
    /// By how many bytes a download of everything grew.
    pub size: i64,
    /// How many paths have a file that had none.
    pub added: u64,
    /// How many paths have no file any more.
    pub removed: u64,
    /// How many paths have another file.
    pub modified: u64,
    /// LFS files in what was added or modified, each once.
    pub lfs: Vec<LfsPointer>,
}

impl GitReader {
    /// Compares two commits, reading only folders that differ. `None` is the empty tree.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn tree_delta(&self, old: Option<Oid>, new: Option<Oid>) -> Result<TreeDelta> {
        let odb = self.odb()?;
        let mut sums = Sums { odb: &odb, known: HashMap::new(), seen: HashSet::new(), delta: TreeDelta::default() };
        let tree = |commit: Option<Oid>| commit.map(|commit| self.tree_of(commit)).transpose();
        sums.compare(tree(old)?, tree(new)?, 0)?;
        Ok(sums.delta)
    }

    /// The files that differ between two commits, in git's order, at most `limit` of them; the flag
    /// says whether there are more. `None` is the empty tree.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn changed_files(&self, old: Option<Oid>, new: Option<Oid>, limit: usize) -> Result<(Vec<FileChange>, bool)> {
        let odb = self.odb()?;
        let tree = |commit: Option<Oid>| commit.map(|commit| self.tree_of(commit)).transpose();
        let mut list = List { odb: &odb, changes: Vec::new(), limit, more: false };
        list.compare(tree(old)?, tree(new)?, "", 0)?;
        Ok((pair_renames(list.changes), list.more))
    }
}

/// Calls `visit` for each name whose row differs, with both rows, until it says to stop. One pass over both trees.
pub(crate) fn differing<'a>(
    mut old: Rows<'a>,
    mut new: Rows<'a>,
    mut visit: impl FnMut(Option<&TreeRow<'a>>, Option<&TreeRow<'a>>) -> Result<bool>,
) -> Result<()> {
    let (mut left, mut right) = (old.next().transpose()?, new.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp_order(right),
        };
        let goes_on = match order {
            Ordering::Less => visit(left.as_ref(), None)?,
            Ordering::Greater => visit(None, right.as_ref())?,
            Ordering::Equal => left == right || visit(left.as_ref(), right.as_ref())?,
        };
        if !goes_on {
            return Ok(());
        }
        if order != Ordering::Greater {
            left = old.next().transpose()?;
        }
        if order != Ordering::Less {
            right = new.next().transpose()?;
        }
    }
}

/// Reads two trees, of which either may be missing.
fn with_rows<T>(
    odb: &Odb<'_>,
    old: Option<Oid>,
    new: Option<Oid>,
    depth: usize,
    work: impl FnOnce(Rows<'_>, Rows<'_>) -> Result<T>,
) -> Result<T> {
    if let (Some(oid), true) = (new.or(old), depth > MAX_DEPTH) {
        return Err(Error::ObjectDamaged { oid, reason: "folders are nested too deeply" });
    }
    let object = |tree: Option<Oid>| tree.map(|tree| read(odb, tree, ObjectType::Tree)).transpose();
    let (old_data, new_data) = (object(old)?, object(new)?);
    let old_bytes: &[u8] = old_data.as_ref().map_or(&[], OdbObject::data);
    let new_bytes: &[u8] = new_data.as_ref().map_or(&[], OdbObject::data);
    work(rows(old.unwrap_or(Oid::ZERO), old_bytes), rows(new.unwrap_or(Oid::ZERO), new_bytes))
}

/// A folder among the two rows, on each side.
fn folders(old: Option<&TreeRow<'_>>, new: Option<&TreeRow<'_>>) -> (Option<Oid>, Option<Oid>) {
    let tree = |row: Option<&TreeRow<'_>>| row.filter(|row| row.mode == MODE_FOLDER).map(|row| row.oid);
    (tree(old), tree(new))
}

struct Sums<'a> {
    odb: &'a Odb<'a>,
    /// Size and number of files of whole trees by id and whether they are new (their LFS files are taken
    /// then), so that crafted trees cost no more than their number.
    known: HashMap<(Oid, bool), (u64, u64)>,
    seen: HashSet<Sha256>,
    delta: TreeDelta,
}

impl Sums<'_> {
    fn compare(&mut self, old: Option<Oid>, new: Option<Oid>, depth: usize) -> Result<()> {
        if old == new {
            return Ok(());
        }
        match (old, new) {
            (None, Some(new)) => {
                let (size, files) = self.whole(new, true, depth)?;
                self.grow(size);
                self.delta.added = self.delta.added.saturating_add(files);
            }
            (Some(old), None) => {
                let (size, files) = self.whole(old, false, depth)?;
                self.shrink(size);
                self.delta.removed = self.delta.removed.saturating_add(files);
            }
            _ => with_rows(self.odb, old, new, depth, |old, new| {
                differing(old, new, |old, new| self.row(old, new, depth).map(|()| true))
            })?,
        }
        Ok(())
    }

    fn row(&mut self, old: Option<&TreeRow<'_>>, new: Option<&TreeRow<'_>>, depth: usize) -> Result<()> {
        if let (None, None) = folders(old, new) {
            let old = old.map(|row| row_size(self.odb, row)).transpose()?;
            let new = new.map(|row| self.take_new(row)).transpose()?;
            self.shrink(old.map_or(0, |(size, _)| size));
            self.grow(new.unwrap_or(0));
            match (old, new) {
                (None, _) => self.delta.added += 1,
                (_, None) => self.delta.removed += 1,
                _ => self.delta.modified += 1,
            }
            return Ok(());
        }
        let (old, new) = folders(old, new);
        self.compare(old, new, depth + 1)
    }

    fn take_new(&mut self, row: &TreeRow<'_>) -> Result<u64> {
        let (size, lfs) = row_size(self.odb, row)?;
        if let Some(pointer) = lfs
            && self.seen.insert(pointer.oid)
        {
            self.delta.lfs.push(pointer);
        }
        Ok(size)
    }

    fn whole(&mut self, tree: Oid, is_new: bool, depth: usize) -> Result<(u64, u64)> {
        if let Some(sums) = self.known.get(&(tree, is_new)) {
            return Ok(*sums);
        }
        let (mut size, mut files) = (0u64, 0u64);
        with_rows(self.odb, None, Some(tree), depth, |_, rows| {
            for row in rows {
                let row = row?;
                let (row_bytes, row_files) = match (row.is_folder(), is_new) {
                    (true, _) => self.whole(row.oid, is_new, depth + 1)?,
                    (false, true) => (self.take_new(&row)?, 1),
                    (false, false) => (row_size(self.odb, &row)?.0, 1),
                };
                size = size.saturating_add(row_bytes);
                files = files.saturating_add(row_files);
            }
            Ok(())
        })?;
        self.known.insert((tree, is_new), (size, files));
        Ok((size, files))
    }

    fn grow(&mut self, size: u64) {
        self.delta.size = self.delta.size.saturating_add_unsigned(size);
    }

    fn shrink(&mut self, size: u64) {
        self.delta.size = self.delta.size.saturating_sub_unsigned(size);
    }
}

struct List<'a> {
    odb: &'a Odb<'a>,
    changes: Vec<FileChange>,
    limit: usize,
    more: bool,
}

impl List<'_> {
    fn compare(&mut self, old: Option<Oid>, new: Option<Oid>, prefix: &str, depth: usize) -> Result<bool> {
        if old == new {
            return Ok(true);
        }
        with_rows(self.odb, old, new, depth, |old, new| differing(old, new, |old, new| self.row(old, new, prefix, depth)))?;
        Ok(!self.more)
    }

    /// Returns false when the list is full.
    fn row(&mut self, old: Option<&TreeRow<'_>>, new: Option<&TreeRow<'_>>, prefix: &str, depth: usize) -> Result<bool> {
        let name = old.or(new).map_or(&b""[..], |row| row.name);
        let path = format!("{prefix}{}", String::from_utf8_lossy(name));
        if let (None, None) = folders(old, new) {
            if self.changes.len() == self.limit {
                self.more = true;
                return Ok(false);
            }
            let side = |row: Option<&TreeRow<'_>>| row.map(|row| self.side(&path, row)).transpose();
            let (old, new) = (side(old)?, side(new)?);
            let status = match (&old, &new) {
                (None, _) => ChangeStatus::Added,
                (_, None) => ChangeStatus::Deleted,
                _ => ChangeStatus::Modified,
            };
            self.changes.push(FileChange { status, old, new });
            return Ok(true);
        }
        let (old, new) = folders(old, new);
        self.compare(old, new, &format!("{path}/"), depth + 1)
    }

    fn side(&self, path: &str, row: &TreeRow<'_>) -> Result<FileSide> {
        let (size, lfs) = row_size(self.odb, row)?;
        Ok(FileSide { path: path.to_owned(), oid: row.oid, mode: row.mode, size, lfs })
    }
}

/// Makes one rename of an addition and a deletion of the same content. Empty files are never renamed.
fn pair_renames(changes: Vec<FileChange>) -> Vec<FileChange> {
    let mut gone: HashMap<Oid, Vec<FileSide>> = HashMap::new();
    // From the back, so that the first is taken first.
    for change in changes.iter().rev().filter(|change| change.status == ChangeStatus::Deleted) {
        if let Some(side) = change.old.as_ref().filter(|side| side.size > 0) {
            gone.entry(side.oid).or_default().push(side.clone());
        }
    }
    let mut moved: HashSet<String> = HashSet::new();
    let mut paired: Vec<FileChange> = Vec::with_capacity(changes.len());
    for mut change in changes {
        if let (ChangeStatus::Added, Some(new)) = (change.status, &change.new)
            && let Some(old) = gone.get_mut(&new.oid).and_then(Vec::pop)
        {
            moved.insert(old.path.clone());
            change = FileChange { status: ChangeStatus::Renamed, old: Some(old), new: change.new };
        }
        paired.push(change);
    }
    let stays = |change: &FileChange| {
        change.status != ChangeStatus::Deleted || !change.old.as_ref().is_some_and(|side| moved.contains(&side.path))
    };
    paired.retain(stays);
    paired
}
