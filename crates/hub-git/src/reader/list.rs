use std::collections::HashMap;

use git2::{ObjectType, Odb};
use hub_types::Oid;

use super::entry::{Entry, describe, row_size};
use super::{GitReader, read};
use crate::object::{MODE_SUBMODULE, TreeRow, rows};
use crate::{Error, Result};

/// Folders nested deeper than any path that can be written.
pub(crate) const MAX_DEPTH: usize = 512;

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<TreeCursor>,
}

/// A place in a listing. It stays meaningful when the folder changes between two pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeCursor(Vec<u8>);

impl TreeCursor {
    /// The cursor as text for a URL.
    pub fn encode(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`TreeCursor::encode`] made; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || text.len() > 4096 || !text.len().is_multiple_of(2) {
            return None;
        }
        let pairs = (0..text.len()).step_by(2).map(|start| u8::from_str_radix(text.get(start..start + 2)?, 16).ok());
        pairs.collect::<Option<Vec<u8>>>().map(Self)
    }

    fn is_folder(&self) -> bool {
        self.0.ends_with(b"/")
    }
}

impl GitReader {
    /// Lists a folder: its folders first, then its files, each in git's order.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] when the commit has no such folder.
    pub fn list_folder(&self, commit: Oid, path: &str, after: Option<&TreeCursor>, limit: usize) -> Result<Page> {
        let odb = self.odb()?;
        let tree = self.folder(&odb, commit, path)?;
        let object = read(&odb, tree, ObjectType::Tree)?;
        let all = rows(tree, object.data()).collect::<Result<Vec<_>>>()?;
        let (folders, files): (Vec<_>, Vec<_>) = all.into_iter().partition(TreeRow::is_folder);
        let prefix = prefix_of(path);
        let mut page = Collector::new(limit);
        for row in folders.iter().chain(&files) {
            let key = key_of(&prefix, row);
            let passed = after.is_some_and(|cursor| match (cursor.is_folder(), row.is_folder()) {
                (true, false) => false,
                (false, true) => true,
                _ => key <= cursor.0,
            });
            if !passed && !page.take(&odb, &key, row)? {
                break;
            }
        }
        Ok(page.finish())
    }

    /// Lists everything below a folder, folders included, each before what is in it. A page costs what
    /// it shows, wherever it starts.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] when the commit has no such folder.
    pub fn walk(&self, commit: Oid, path: &str, after: Option<&TreeCursor>, limit: usize) -> Result<Page> {
        let odb = self.odb()?;
        let tree = self.folder(&odb, commit, path)?;
        let mut page = Collector::new(limit);
        let after = after.map_or(&[][..], |cursor| &cursor.0);
        walk_tree(&odb, tree, &prefix_of(path), after, &mut page, 0)?;
        Ok(page.finish())
    }

    /// The files directly in the root folder, at most `limit`, with their blobs. Unlike [`GitReader::list_folder`] it
    /// opens none of them.
    ///
    /// # Errors
    /// The commit is unknown or its trees are missing.
    pub fn root_files(&self, commit: Oid, limit: usize) -> Result<Vec<(String, Oid)>> {
        let odb = self.odb()?;
        let tree = self.folder(&odb, commit, "")?;
        files_of(&odb, tree, limit)
    }

    /// The same for any folder; none where there is no such folder.
    ///
    /// # Errors
    /// As for [`GitReader::root_files`].
    pub fn files_in(&self, commit: Oid, path: &str, limit: usize) -> Result<Vec<(String, Oid)>> {
        let odb = self.odb()?;
        match self.folder(&odb, commit, path) {
            Ok(tree) => files_of(&odb, tree, limit),
            Err(Error::EntryNotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The paths of the first files of a commit in git's order, at most `limit`. Unlike [`GitReader::walk`] it reads
    /// trees only.
    ///
    /// # Errors
    /// The commit is unknown or its trees are missing.
    pub fn first_paths(&self, commit: Oid, limit: usize) -> Result<Vec<String>> {
        let odb = self.odb()?;
        let tree = self.folder(&odb, commit, "")?;
        let mut paths = Vec::new();
        // Crafted trees can hold one another without end and without a file; no real one has so many folders first.
        let mut folders_left = limit.saturating_mul(4);
        collect_paths(&odb, tree, &[], limit, &mut folders_left, &mut paths, 0)?;
        Ok(paths)
    }

    /// The bytes that downloading a whole folder (or one file) gives.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] when the commit has nothing there.
    pub fn size_at(&self, commit: Oid, path: &str) -> Result<u64> {
        let missing = || Error::EntryNotFound(path.chars().take(500).collect());
        let entry = self.entry_at(commit, path)?.ok_or_else(missing)?;
        if entry.is_folder() { tree_size(&self.odb()?, entry.oid, 0, &mut HashMap::new()) } else { Ok(entry.size) }
    }
}

fn files_of(odb: &Odb<'_>, tree: Oid, limit: usize) -> Result<Vec<(String, Oid)>> {
    let object = read(odb, tree, ObjectType::Tree)?;
    let is_file = |row: &Result<TreeRow<'_>>| !row.as_ref().is_ok_and(|row| row.is_folder() || row.mode == MODE_SUBMODULE);
    let files = rows(tree, object.data()).filter(is_file).take(limit);
    files.map(|row| row.map(|row| (String::from_utf8_lossy(row.name).into_owned(), row.oid))).collect()
}

fn collect_paths(
    odb: &Odb<'_>,
    tree: Oid,
    prefix: &[u8],
    limit: usize,
    folders_left: &mut usize,
    paths: &mut Vec<String>,
    depth: usize,
) -> Result<()> {
    if depth > MAX_DEPTH || *folders_left == 0 {
        return Ok(());
    }
    *folders_left -= 1;
    let object = read(odb, tree, ObjectType::Tree)?;
    for row in rows(tree, object.data()) {
        let row = row?;
        if paths.len() >= limit {
            return Ok(());
        }
        let key = key_of(prefix, &row);
        if row.is_folder() {
            collect_paths(odb, row.oid, &key, limit, folders_left, paths, depth + 1)?;
        } else if row.mode != MODE_SUBMODULE {
            paths.push(String::from_utf8_lossy(&key).into_owned());
        }
    }
    Ok(())
}

/// Returns false when the page is full.
fn walk_tree(odb: &Odb<'_>, tree: Oid, prefix: &[u8], after: &[u8], page: &mut Collector, depth: usize) -> Result<bool> {
    if depth > MAX_DEPTH {
        return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deeply" });
    }
    let object = read(odb, tree, ObjectType::Tree)?;
    for row in rows(tree, object.data()) {
        let row = row?;
        let key = key_of(prefix, &row);
        // Keys are in the order of the walk, so whatever is not after the cursor was on an earlier page,
        // except what lies inside the folder where that page ended.
        let inside = row.is_folder() && after.starts_with(&key);
        if !inside {
            if key.as_slice() <= after {
                continue;
            }
            if !page.take(odb, &key, &row)? {
                return Ok(false);
            }
        }
        if row.is_folder() && !walk_tree(odb, row.oid, &key, after, page, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds up a tree. A tree met again is not read again, so crafted trees that contain each other many
/// times cost no more than their number.
fn tree_size(odb: &Odb<'_>, tree: Oid, depth: usize, known: &mut HashMap<Oid, u64>) -> Result<u64> {
    if let Some(size) = known.get(&tree) {
        return Ok(*size);
    }
    if depth > MAX_DEPTH {
        return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deeply" });
    }
    let object = read(odb, tree, ObjectType::Tree)?;
    let mut total = 0u64;
    for row in rows(tree, object.data()) {
        let row = row?;
        let size = if row.is_folder() { tree_size(odb, row.oid, depth + 1, known)? } else { row_size(odb, &row)?.0 };
        total = total.saturating_add(size);
    }
    known.insert(tree, total);
    Ok(total)
}

fn prefix_of(path: &str) -> Vec<u8> {
    match path.trim_end_matches('/') {
        "" => Vec::new(),
        path => format!("{path}/").into_bytes(),
    }
}

/// The whole path; folders end in `/`, which makes byte order the order of the walk.
fn key_of(prefix: &[u8], row: &TreeRow<'_>) -> Vec<u8> {
    let mut key = [prefix, row.name].concat();
    if row.is_folder() {
        key.push(b'/');
    }
    key
}

struct Collector {
    entries: Vec<Entry>,
    limit: usize,
    last: Vec<u8>,
    more: bool,
}

impl Collector {
    fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), limit: limit.max(1), last: Vec::new(), more: false }
    }

    /// Takes an entry unless the page is full.
    fn take(&mut self, odb: &Odb<'_>, key: &[u8], row: &TreeRow<'_>) -> Result<bool> {
        if self.entries.len() == self.limit {
            self.more = true;
            return Ok(false);
        }
        let path = String::from_utf8_lossy(key.strip_suffix(b"/").unwrap_or(key)).into_owned();
        self.entries.push(describe(odb, path, row.mode, row.oid)?);
        self.last = key.to_vec();
        Ok(true)
    }

    fn finish(self) -> Page {
        Page { entries: self.entries, next: self.more.then_some(TreeCursor(self.last)) }
    }
}
