use std::collections::BTreeMap;

use git2::{ObjectType, Odb};
use hub_types::{Oid, RepoPath};

use super::change::{Change, Content};
use super::pack::PackWriter;
use super::small_file;
use crate::attributes::{ATTRIBUTES_FILE, cover_lfs_paths};
use crate::object::{MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, TreeRow, order_key, rows, write_row};
use crate::reader::{GitReader, read};
use crate::{Error, Result};

/// A tree being changed. Folders are read when a path leads into them and written when something in
/// them changed; all others keep their ids unread.
pub(super) struct TreeEditor<'a> {
    base: &'a GitReader,
    odb: Odb<'a>,
    root: Folder,
    old_root: Option<Oid>,
    lfs_paths: Vec<String>,
    /// The last content written to the root `.gitattributes`, as long as it was not deleted again.
    attributes: Option<Content>,
    attributes_touched: bool,
}

#[derive(Default)]
struct Folder {
    /// The tree as it was; `None` for a new folder.
    original: Option<Oid>,
    /// `None`: not read yet.
    entries: Option<BTreeMap<Vec<u8>, Node>>,
    changed: bool,
}

enum Node {
    Leaf { mode: u32, oid: Oid },
    Folder(Folder),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Any,
}

impl<'a> TreeEditor<'a> {
    pub(super) fn new(base: &'a GitReader, root: Option<Oid>) -> Result<Self> {
        Ok(Self {
            base,
            odb: base.odb()?,
            root: Folder { original: root, ..Folder::default() },
            old_root: root,
            lfs_paths: Vec::new(),
            attributes: None,
            attributes_touched: false,
        })
    }

    pub(super) fn apply(&mut self, change: &Change, pack: &mut PackWriter<'_>) -> Result<()> {
        match change {
            Change::AddBlob { path, content } => {
                let oid = pack.add_content(content)?;
                self.put(path, oid, None)?;
                if path.as_str() == ATTRIBUTES_FILE {
                    (self.attributes, self.attributes_touched) = (Some(content.clone()), true);
                }
            }
            Change::AddLfs { path, pointer } => {
                let oid = pack.add(ObjectType::Blob, pointer.to_string().as_bytes())?;
                self.put(path, oid, None)?;
                self.lfs_paths.push(path.as_str().to_owned());
            }
            Change::AddExisting { path, blob, executable } => {
                self.base.blob_size(*blob)?;
                if path.as_str() == ATTRIBUTES_FILE {
                    let content = self.base.blob(*blob, super::MAX_ATTRIBUTES_BYTES)?;
                    (self.attributes, self.attributes_touched) = (Some(Content::Bytes(content)), true);
                }
                self.put(path, *blob, Some(if *executable { MODE_EXECUTABLE } else { MODE_FILE }))?;
            }
            Change::DeleteFile(path) => self.delete(path, Kind::File)?,
            Change::DeleteFolder(path) => self.delete(path, Kind::Folder)?,
            Change::DeleteEntry(path) => self.delete(path, Kind::Any)?,
        }
        Ok(())
    }

    fn put(&mut self, path: &RepoPath, oid: Oid, mode: Option<u32>) -> Result<()> {
        let path = path.as_str();
        let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
        let mut folder = &mut self.root;
        let mut end = 0;
        for part in folders.into_iter().flat_map(|folders| folders.split('/')) {
            end += part.len() + usize::from(end > 0);
            folder.changed = true;
            let node = folder.read(&self.odb)?.entry(part.into()).or_insert_with(|| Node::Folder(Folder::default()));
            match node {
                Node::Folder(next) => folder = next,
                Node::Leaf { .. } => return Err(conflict(path, &path[..end], "file")),
            }
        }
        folder.changed = true;
        let entries = folder.read(&self.odb)?;
        let mode = match (mode, entries.get(name.as_bytes())) {
            (_, Some(Node::Folder(_))) => return Err(conflict(path, path, "folder")),
            (Some(mode), _) => mode,
            (None, Some(Node::Leaf { mode: MODE_EXECUTABLE, .. })) => MODE_EXECUTABLE,
            (None, _) => MODE_FILE,
        };
        entries.insert(name.into(), Node::Leaf { mode, oid });
        Ok(())
    }

    fn delete(&mut self, path: &str, kind: Kind) -> Result<()> {
        let names: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        if !self.root.delete(&self.odb, &names, kind)? {
            return Err(Error::NothingToDelete(path.chars().take(500).collect()));
        }
        if names == [ATTRIBUTES_FILE] {
            (self.attributes, self.attributes_touched) = (None, true);
        }
        Ok(())
    }

    /// Adds the LFS files that are still there and that no attribute covers to `.gitattributes`.
    pub(super) fn cover_lfs(&mut self, pack: &mut PackWriter<'_>) -> Result<()> {
        let paths = std::mem::take(&mut self.lfs_paths);
        if paths.is_empty() {
            return Ok(());
        }
        let old = match (&self.attributes, self.old_root) {
            (Some(content), _) => content.read()?,
            (None, Some(root)) if !self.attributes_touched => small_file(self.base, root, ATTRIBUTES_FILE)?.unwrap_or_default(),
            (None, _) => Vec::new(),
        };
        let mut present = Vec::new();
        for path in paths {
            if self.root.has_file(&self.odb, &path)? {
                present.push(path);
            }
        }
        if let Some(text) = cover_lfs_paths(&String::from_utf8_lossy(&old), &present) {
            let path = RepoPath::new(ATTRIBUTES_FILE).map_err(|_| Error::EntryNotFound(ATTRIBUTES_FILE.to_owned()))?;
            let oid = pack.add(ObjectType::Blob, text.as_bytes())?;
            self.put(&path, oid, None)?;
        }
        Ok(())
    }

    /// Writes the folders that changed and gives the id of the root.
    pub(super) fn write(mut self, pack: &mut PackWriter<'_>) -> Result<Oid> {
        self.root.write(pack)
    }
}

fn conflict(path: &str, existing: &str, kind: &'static str) -> Error {
    Error::PathConflict { path: path.to_owned(), existing: existing.to_owned(), kind }
}

impl Folder {
    fn read(&mut self, odb: &Odb<'_>) -> Result<&mut BTreeMap<Vec<u8>, Node>> {
        if self.entries.is_none() {
            self.entries = Some(match self.original {
                Some(tree) => read_nodes(odb, tree)?,
                None => BTreeMap::new(),
            });
        }
        Ok(self.entries.get_or_insert_default())
    }

    /// Deletes what the names lead to, and folders that are empty then. False when it is not there.
    fn delete(&mut self, odb: &Odb<'_>, names: &[&str], kind: Kind) -> Result<bool> {
        let Some((name, rest)) = names.split_first() else { return Ok(false) };
        let entries = self.read(odb)?;
        let gone = match entries.get_mut(name.as_bytes()) {
            None => return Ok(false),
            Some(Node::Folder(folder)) if !rest.is_empty() => {
                if !folder.delete(odb, rest, kind)? {
                    return Ok(false);
                }
                folder.read(odb)?.is_empty()
            }
            Some(Node::Leaf { .. }) if !rest.is_empty() => return Ok(false),
            Some(Node::Folder(_)) => kind != Kind::File,
            Some(Node::Leaf { .. }) => kind != Kind::Folder,
        };
        if gone {
            entries.remove(name.as_bytes());
        } else if rest.is_empty() {
            return Ok(false);
        }
        self.changed = true;
        Ok(true)
    }

    fn has_file(&mut self, odb: &Odb<'_>, path: &str) -> Result<bool> {
        let mut folder = self;
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            match (folder.read(odb)?.get_mut(name.as_bytes()), names.peek()) {
                (Some(Node::Leaf { .. }), None) => return Ok(true),
                (Some(Node::Folder(next)), Some(_)) => folder = next,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    fn write(&mut self, pack: &mut PackWriter<'_>) -> Result<Oid> {
        if let (Some(original), false) = (self.original, self.changed) {
            return Ok(original);
        }
        let mut written = Vec::new();
        for (name, node) in self.entries.get_or_insert_default() {
            let (mode, oid) = match node {
                Node::Leaf { mode, oid } => (*mode, *oid),
                Node::Folder(folder) => (MODE_FOLDER, folder.write(pack)?),
            };
            written.push(TreeRow { mode, name, oid });
        }
        written.sort_by(|a, b| order_key(a.name, a.is_folder()).cmp(order_key(b.name, b.is_folder())));
        let mut data = Vec::new();
        written.iter().for_each(|row| write_row(&mut data, row));
        pack.add(ObjectType::Tree, &data)
    }
}

fn read_nodes(odb: &Odb<'_>, tree: Oid) -> Result<BTreeMap<Vec<u8>, Node>> {
    let object = read(odb, tree, ObjectType::Tree)?;
    let node = |row: TreeRow<'_>| {
        let node = if row.is_folder() {
            Node::Folder(Folder { original: Some(row.oid), ..Folder::default() })
        } else {
            Node::Leaf { mode: row.mode, oid: row.oid }
        };
        (row.name.to_vec(), node)
    };
    rows(tree, object.data()).map(|row| row.map(node)).collect()
}
