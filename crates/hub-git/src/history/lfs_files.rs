use std::collections::HashSet;

use git2::{ObjectType, Odb};
use hub_types::Oid;

use super::Queue;
use crate::object::{MODE_EXECUTABLE, MODE_FILE, rows};
use crate::reader::{GitReader, MAX_DEPTH, file_size, read};
use crate::{Error, LfsPointer, Result};

/// An LFS file somewhere in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LfsFile {
    /// What it points to.
    pub pointer: LfsPointer,
    /// The pointer's blob.
    pub blob: Oid,
    /// The newest path it was found at.
    pub path: String,
    /// The newest commit it was found in.
    pub commit: Oid,
}

impl GitReader {
    /// All LFS files in the histories of some commits, each pointer once. The commits themselves are looked through
    /// first, in the order given. Every tree is read once, however many commits share it.
    ///
    /// # Errors
    /// A commit is unknown or objects are missing.
    pub fn lfs_files(&self, tips: &[Oid]) -> Result<Vec<LfsFile>> {
        let odb = self.odb()?;
        let mut search = Search { odb: &odb, trees: HashSet::new(), blobs: HashSet::new(), found: Vec::new() };
        let (mut queue, mut seen) = (Queue::default(), HashSet::new());
        for tip in tips.iter().filter(|tip| seen.insert(**tip)) {
            let links = self.links(&odb, *tip)?;
            search.tree(links.tree, "", *tip, 0)?;
            queue.push(links.time, *tip);
        }
        while let Some(oid) = queue.pop() {
            let links = self.links(&odb, oid)?;
            search.tree(links.tree, "", oid, 0)?;
            for parent in links.parents {
                if seen.insert(parent) {
                    queue.push(self.links(&odb, parent)?.time, parent);
                }
            }
        }
        Ok(search.found)
    }
}

struct Search<'a> {
    odb: &'a Odb<'a>,
    trees: HashSet<Oid>,
    blobs: HashSet<Oid>,
    found: Vec<LfsFile>,
}

impl Search<'_> {
    fn tree(&mut self, tree: Oid, prefix: &str, commit: Oid, depth: usize) -> Result<()> {
        if !self.trees.insert(tree) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err(Error::ObjectDamaged { oid: tree, reason: "folders are nested too deeply" });
        }
        let object = read(self.odb, tree, ObjectType::Tree)?;
        for row in rows(tree, object.data()) {
            let row = row?;
            let path = || format!("{prefix}{}", String::from_utf8_lossy(row.name));
            if row.is_folder() {
                self.tree(row.oid, &format!("{}/", path()), commit, depth + 1)?;
            } else if matches!(row.mode, MODE_FILE | MODE_EXECUTABLE)
                && self.blobs.insert(row.oid)
                && let Some(pointer) = file_size(self.odb, row.oid)?.1
            {
                self.found.push(LfsFile { pointer, blob: row.oid, path: path(), commit });
            }
        }
        Ok(())
    }
}
