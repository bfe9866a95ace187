use std::collections::HashMap;

use git2::{ObjectType, Odb};
use hub_types::Oid;

use super::{GitReader, blob_size, read};
use crate::object::{MODE_EXECUTABLE, MODE_FOLDER, MODE_LINK, MODE_SUBMODULE, TreeRow, rows};
use crate::{Error, LfsPointer, MAX_POINTER_BYTES, Result};

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file, in git or in LFS.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; its blob holds the target.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

/// A file or folder of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path from the repository's root; empty for the root folder itself.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// The blob or tree (of a submodule, the commit). For an LFS file this is the pointer's blob.
    pub oid: Oid,
    /// The bytes that a download gives: for an LFS file the real size. 0 for folders.
    pub size: u64,
    /// Whether the file is marked executable.
    pub executable: bool,
    /// What the file's content points to, if it is in LFS.
    pub lfs: Option<LfsPointer>,
}

impl Entry {
    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether this is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == EntryKind::Folder
    }
}

impl GitReader {
    /// What a commit has at a path; `""` is the root folder. `None` when there is nothing.
    ///
    /// # Errors
    /// The commit is unknown or objects are missing.
    pub fn entry_at(&self, commit: Oid, path: &str) -> Result<Option<Entry>> {
        let odb = self.odb()?;
        let root = self.links(&odb, commit)?.tree;
        match find(&odb, root, path)? {
            Some((mode, oid)) => describe(&odb, path.trim_end_matches('/').to_owned(), mode, oid).map(Some),
            None => Ok(None),
        }
    }

    /// The entries that exist among some paths, in the order asked for.
    ///
    /// # Errors
    /// As for [`GitReader::entry_at`].
    pub fn entries_at(&self, commit: Oid, paths: &[String]) -> Result<Vec<Entry>> {
        let odb = self.odb()?;
        let mut lookup = Lookup { odb: &odb, root: self.links(&odb, commit)?.tree, trees: HashMap::new() };
        let mut found = Vec::new();
        for path in paths {
            let path = path.trim_end_matches('/');
            if let Some((mode, oid)) = lookup.find(path)? {
                found.push(describe(&odb, path.to_owned(), mode, oid)?);
            }
        }
        Ok(found)
    }

    /// The tree of a commit's folder.
    pub(crate) fn folder(&self, odb: &Odb<'_>, commit: Oid, path: &str) -> Result<Oid> {
        let root = self.links(odb, commit)?.tree;
        match find(odb, root, path)? {
            Some((MODE_FOLDER, tree)) => Ok(tree),
            _ => Err(Error::EntryNotFound(path.chars().take(500).collect())),
        }
    }
}

/// Looks up many paths, reading each tree on the way once.
struct Lookup<'a> {
    odb: &'a Odb<'a>,
    root: Oid,
    trees: HashMap<Oid, HashMap<Vec<u8>, (u32, Oid)>>,
}

impl Lookup<'_> {
    fn find(&mut self, path: &str) -> Result<Option<(u32, Oid)>> {
        let mut found = (MODE_FOLDER, self.root);
        if path.is_empty() {
            return Ok(Some(found));
        }
        for name in path.split('/') {
            if found.0 != MODE_FOLDER {
                return Ok(None);
            }
            match self.names(found.1)?.get(name.as_bytes()) {
                Some(row) => found = *row,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    fn names(&mut self, tree: Oid) -> Result<&HashMap<Vec<u8>, (u32, Oid)>> {
        if !self.trees.contains_key(&tree) {
            let object = read(self.odb, tree, ObjectType::Tree)?;
            let names = rows(tree, object.data()).map(|row| row.map(|row| (row.name.to_vec(), (row.mode, row.oid))));
            self.trees.insert(tree, names.collect::<Result<_>>()?);
        }
        Ok(self.trees.entry(tree).or_default())
    }
}

/// Mode and id of what is at a path below a tree.
pub(crate) fn find(odb: &Odb<'_>, root: Oid, path: &str) -> Result<Option<(u32, Oid)>> {
    let mut found = (MODE_FOLDER, root);
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Ok(Some(found));
    }
    for name in path.split('/') {
        if found.0 != MODE_FOLDER {
            return Ok(None);
        }
        match child(odb, found.1, name.as_bytes())? {
            Some(row) => found = row,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn child(odb: &Odb<'_>, tree: Oid, name: &[u8]) -> Result<Option<(u32, Oid)>> {
    let object = read(odb, tree, ObjectType::Tree)?;
    for row in rows(tree, object.data()) {
        let row = row?;
        if row.name == name {
            return Ok(Some((row.mode, row.oid)));
        }
    }
    Ok(None)
}

/// Looks up the size, and whether a small file is an LFS pointer.
pub(super) fn describe(odb: &Odb<'_>, path: String, mode: u32, oid: Oid) -> Result<Entry> {
    let kind = match mode {
        MODE_FOLDER => EntryKind::Folder,
        MODE_SUBMODULE => EntryKind::Submodule,
        MODE_LINK => EntryKind::Symlink,
        _ => EntryKind::File,
    };
    let (size, lfs) = match kind {
        EntryKind::Folder | EntryKind::Submodule => (0, None),
        EntryKind::Symlink => (blob_size(odb, oid)?, None),
        EntryKind::File => file_size(odb, oid)?,
    };
    Ok(Entry { path, kind, oid, size, executable: mode == MODE_EXECUTABLE, lfs })
}

/// The real size of a file's blob, and its LFS pointer if it is one.
pub(crate) fn file_size(odb: &Odb<'_>, oid: Oid) -> Result<(u64, Option<LfsPointer>)> {
    let size = blob_size(odb, oid)?;
    if size == 0 || size >= MAX_POINTER_BYTES {
        return Ok((size, None));
    }
    let lfs = LfsPointer::parse(read(odb, oid, ObjectType::Blob)?.data());
    Ok((lfs.map_or(size, |pointer| pointer.size), lfs))
}

/// The real size of what a row stands for.
pub(crate) fn row_size(odb: &Odb<'_>, row: &TreeRow<'_>) -> Result<(u64, Option<LfsPointer>)> {
    match row.mode {
        MODE_FOLDER | MODE_SUBMODULE => Ok((0, None)),
        MODE_LINK => Ok((blob_size(odb, row.oid)?, None)),
        _ => file_size(odb, row.oid),
    }
}
