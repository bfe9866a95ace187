use std::collections::HashSet;

use git2::{Diff, DiffFormat, DiffOptions, Patch};
use hub_types::Oid;

use super::delta::{FileChange, FileSide};
use crate::object::MODE_SUBMODULE;
use crate::oid::{from_git, to_git};
use crate::reader::GitReader;
use crate::{Error, Result};

/// What a file's change looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextDiff {
    /// The hunks of a unified diff, from the first `@@` line on.
    Hunks {
        /// The text. Bytes that are not UTF-8 are replaced.
        text: String,
        /// Lines added.
        added: usize,
        /// Lines removed.
        removed: usize,
    },
    /// One side is not text.
    Binary,
    /// One side is larger than the limit.
    TooLarge,
}

impl TextDiff {
    /// The diff of two texts.
    ///
    /// # Errors
    /// libgit2 is out of memory.
    pub fn between(old: &[u8], new: &[u8]) -> Result<Self> {
        if old.contains(&0) || new.contains(&0) {
            return Ok(Self::Binary);
        }
        let mut patch = Patch::from_buffers(old, None, new, None, None)?;
        let (_, added, removed) = patch.line_stats()?;
        let buffer = patch.to_buf()?;
        let text = String::from_utf8_lossy(&buffer);
        let start = if text.starts_with("@@") { Some(0) } else { text.find("\n@@").map(|at| at + 1) };
        let text = start.and_then(|start| text.get(start..)).unwrap_or_default().to_owned();
        Ok(Self::Hunks { text, added, removed })
    }
}

impl GitReader {
    /// The diff of one changed file. Of an LFS file the pointers are compared, of a submodule the lines that git shows for it: its commit
    /// is in another repository.
    ///
    /// # Errors
    /// Objects are missing.
    pub fn text_diff(&self, change: &FileChange, limit: u64) -> Result<TextDiff> {
        let (old, new) = match (self.side(change.old.as_ref(), limit), self.side(change.new.as_ref(), limit)) {
            (Err(Error::TooLarge { .. }), _) | (_, Err(Error::TooLarge { .. })) => return Ok(TextDiff::TooLarge),
            (old, new) => (old?, new?),
        };
        TextDiff::between(&old, &new)
    }

    fn side(&self, side: Option<&FileSide>, limit: u64) -> Result<Vec<u8>> {
        match side {
            None => Ok(Vec::new()),
            Some(side) if side.mode == MODE_SUBMODULE => Ok(format!("Subproject commit {}\n", side.oid.to_hex()).into_bytes()),
            Some(side) => self.blob(side.oid, limit),
        }
    }

    /// The whole difference between two commits in the form of `git diff`, at most `limit` bytes of it.
    /// Files of more than `file_limit` bytes count as binary. In the place of lines of files with a version among `withheld` is `note`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when it is longer; a commit is unknown.
    pub fn patch(
        &self,
        (old, new): (Oid, Oid),
        (limit, file_limit): (u64, u64),
        (withheld, note): (&HashSet<Oid>, &str),
    ) -> Result<String> {
        let mut diff = self.tree_diff(old, new, file_limit)?;
        diff.find_similar(Some(git2::DiffFindOptions::new().renames(true).exact_match_only(true)))?;
        let withheld = withheld.iter().map(|oid| to_git(*oid)).collect::<Result<Vec<git2::Oid>>>()?;
        let (mut text, mut full) = (Vec::new(), false);
        let printed = diff.print(DiffFormat::Patch, |delta, _, line| {
            let is_withheld = withheld.contains(&delta.old_file().id()) || withheld.contains(&delta.new_file().id());
            // Its head is shown: the names.
            if is_withheld && line.origin() != 'F' {
                return true;
            }
            if matches!(line.origin(), '+' | '-' | ' ') {
                text.push(line.origin() as u8);
            }
            text.extend_from_slice(line.content());
            if is_withheld {
                text.extend_from_slice(note.as_bytes());
            }
            full = text.len() as u64 > limit;
            !full
        });
        if full {
            return Err(Error::TooLarge { size: text.len() as u64, limit });
        }
        printed?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The versions of files whose difference [`GitReader::patch`] tells.
    ///
    /// # Errors
    /// A commit is unknown.
    pub fn patched_blobs(&self, old: Oid, new: Oid) -> Result<Vec<Oid>> {
        let diff = self.tree_diff(old, new, 0)?;
        let ids = diff.deltas().flat_map(|delta| [delta.old_file().id(), delta.new_file().id()]);
        ids.filter(|id| !id.is_zero()).map(from_git).collect()
    }

    fn tree_diff(&self, old: Oid, new: Oid, file_limit: u64) -> Result<Diff<'_>> {
        let tree = |commit: Oid| -> Result<git2::Tree<'_>> { Ok(self.repo().find_tree(to_git(self.tree_of(commit)?)?)?) };
        let mut options = DiffOptions::new();
        options.max_size(i64::try_from(file_limit).unwrap_or(i64::MAX));
        Ok(self.repo().diff_tree_to_tree(Some(&tree(old)?), Some(&tree(new)?), Some(&mut options))?)
    }
}
