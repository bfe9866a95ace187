//! Building commits: changes applied to a tree, the new objects collected in one pack.

mod built_pack;
mod change;
mod merge;
mod pack;
mod rewrite;
mod spool;
mod tree;

use std::path::Path;

use git2::ObjectType;
use hub_types::Oid;

use crate::object::{Person, commit_text, tag_text};
use crate::reader::{GitReader, find, read};
use crate::{LfsPointer, Result};

pub use built_pack::{BuiltPack, PackContent};
pub use change::{Change, Content};
pub use merge::{FileConflict, MAX_MERGED_FILE_BYTES, Merge, MergedText, Settled, Version, merge_text};
pub use rewrite::{Rewritten, rewrite_without};

use pack::PackWriter;
use tree::TreeEditor;

/// The largest `.gitattributes` that is read: far more than any has.
const MAX_ATTRIBUTES_BYTES: u64 = 4 * 1024 * 1024;

/// What a commit says about itself.
#[derive(Debug, Clone)]
pub struct CommitMeta {
    /// Who wrote the change.
    pub author: Person,
    /// Who makes the commit.
    pub committer: Person,
    /// The whole message: title, empty line, text.
    pub message: String,
}

/// A commit to build.
#[derive(Debug, Clone, Copy)]
pub struct CommitPlan<'a> {
    /// The commit it follows; `None` for a first commit.
    pub parent: Option<Oid>,
    /// What it does, in order.
    pub changes: &'a [Change],
    /// What it says.
    pub meta: &'a CommitMeta,
    /// Whether to add lines to the root `.gitattributes` for LFS files that no line covers, without
    /// which `git lfs` would not know them.
    pub cover_lfs: bool,
}

/// A commit that was built. It is nowhere until its pack is stored and a ref points to it.
#[derive(Debug)]
pub struct BuiltCommit {
    /// Its id; the parent's when nothing changed.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The objects that were not there before; `None` when all were.
    pub pack: Option<BuiltPack>,
    /// The LFS files that the changes name.
    pub lfs: Vec<LfsPointer>,
    /// Whether the tree differs from the parent's.
    pub changed: bool,
}

/// Builds a commit. When the changes leave the parent's tree as it is, nothing is built and the
/// parent itself is given back.
///
/// The pack is written below `scratch`. It holds no object that `base` has, so all packs that `base`
/// was opened with must still belong to the repository when a ref is pointed to the commit.
///
/// # Errors
/// [`crate::Error::NothingToDelete`] for a deletion of what is not there, [`crate::Error::PathConflict`]
/// for a file in the place of a folder or the other way round.
pub fn build_commit(base: &GitReader, scratch: &Path, plan: CommitPlan<'_>) -> Result<BuiltCommit> {
    let old_tree = plan.parent.map(|parent| base.tree_of(parent)).transpose()?;
    let mut pack = PackWriter::new(base, scratch)?;
    let mut editor = TreeEditor::new(base, old_tree)?;
    let mut lfs = Vec::new();
    for change in plan.changes {
        if let Change::AddLfs { pointer, .. } = change {
            lfs.push(*pointer);
        }
        editor.apply(change, &mut pack)?;
    }
    if plan.cover_lfs {
        editor.cover_lfs(&mut pack)?;
    }
    let tree = editor.write(&mut pack)?;
    if let (Some(parent), true) = (plan.parent, old_tree == Some(tree)) {
        return Ok(BuiltCommit { commit: parent, tree, pack: None, lfs, changed: false });
    }
    let parents: Vec<Oid> = plan.parent.into_iter().collect();
    let commit = write_commit(&mut pack, tree, &parents, plan.meta)?;
    Ok(BuiltCommit { commit, tree, pack: pack.finish()?, lfs, changed: true })
}

/// Builds a commit of a tree that is there already: a merge, a squash, a revert.
///
/// # Errors
/// [`crate::Error::ObjectMissing`] when `base` does not have the tree.
pub fn commit_tree(base: &GitReader, scratch: &Path, tree: Oid, parents: &[Oid], meta: &CommitMeta) -> Result<BuiltCommit> {
    read(&base.odb()?, tree, ObjectType::Tree)?;
    let mut pack = PackWriter::new(base, scratch)?;
    let commit = write_commit(&mut pack, tree, parents, meta)?;
    Ok(BuiltCommit { commit, tree, pack: pack.finish()?, lfs: Vec::new(), changed: true })
}

/// An annotated tag that was built.
#[derive(Debug)]
pub struct BuiltTag {
    /// The id of the tag object.
    pub oid: Oid,
    /// The pack that holds it; `None` when it was there already.
    pub pack: Option<BuiltPack>,
}

/// Builds an annotated tag for a commit.
///
/// # Errors
/// The disk does not take it.
pub fn build_tag(base: &GitReader, scratch: &Path, name: &str, commit: Oid, tagger: &Person, message: &str) -> Result<BuiltTag> {
    let mut pack = PackWriter::new(base, scratch)?;
    let oid = pack.add(ObjectType::Tag, tag_text(commit, name, tagger, message).as_bytes())?;
    Ok(BuiltTag { oid, pack: pack.finish()? })
}

fn write_commit(pack: &mut PackWriter<'_>, tree: Oid, parents: &[Oid], meta: &CommitMeta) -> Result<Oid> {
    let text = commit_text(tree, parents, &meta.author, &meta.committer, &meta.message);
    pack.add(ObjectType::Commit, text.as_bytes())
}

/// The bytes of a small file in a tree, if there is one.
fn small_file(base: &GitReader, tree: Oid, path: &str) -> Result<Option<Vec<u8>>> {
    match find(&base.odb()?, tree, path)? {
        Some((_, blob)) => base.blob(blob, MAX_ATTRIBUTES_BYTES).map(Some),
        None => Ok(None),
    }
}
