//! The rule that no pickles come: a setting of a repository, or of the organisation that owns it. Commits, pull requests, merges
//! and pushes all ask here. What is there already stays, and can be deleted.
//!
//! A file is judged by its name and its first bytes ([`hub_scan::is_pickle`]), which a push can wait for.

use std::os::unix::fs::FileExt as _;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use hub_git::{FileSide, GitReader};
use hub_scan::{HEAD_BYTES, is_named_pickle, is_pickle, may_be_pickle};
use hub_types::{Oid, Sha256};

use super::commit::{FileContent, Operation};
use super::queries::Repo;
use super::queries::pickles::find_pickle_rule;
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;

/// How many files of one change are looked at.
const MAX_FILES: usize = 100_000;
/// The largest file in git whose first bytes are read.
const MAX_BLOB_BYTES: u64 = 32 << 20;
/// How many large files are asked for their first bytes, and how many at once; more are judged by their names.
const MAX_READ: usize = 1_000;
const AT_ONCE: usize = 8;
/// How many files the refusal names.
const MAX_NAMED: usize = 5;

/// A file that may be a pickle and comes to a repository.
#[derive(Debug)]
pub struct Suspect {
    path: String,
    head: Head,
}

/// The first bytes of a file.
#[derive(Debug)]
enum Head {
    /// These.
    Known(Vec<u8>),
    /// Those of a large file.
    Large(Sha256),
    /// Not known: its name decides.
    Unknown,
}

/// Of what a commit does, the files that may be pickles. Blocks.
pub(super) fn of_operations(operations: &[Operation]) -> std::io::Result<Vec<Suspect>> {
    let mut suspects = Vec::new();
    for operation in operations {
        let (path, head) = match operation {
            Operation::AddFile { path, content } if may_be_pickle(path.as_str()) => (path, Head::Known(head_of(content)?)),
            Operation::AddLfs { path, oid, .. } => (path, Head::Large(*oid)),
            Operation::CopyFile { path, .. } => (path, Head::Unknown),
            Operation::AddFile { .. } | Operation::DeleteFile(_) | Operation::DeleteFolder(_) | Operation::DeleteEntry(_) => {
                continue;
            }
        };
        suspects.push(Suspect { path: path.as_str().to_owned(), head });
    }
    suspects.retain(Suspect::is_open);
    Ok(suspects)
}

fn head_of(content: &FileContent) -> std::io::Result<Vec<u8>> {
    match content {
        FileContent::Bytes(bytes) => Ok(bytes[..bytes.len().min(HEAD_BYTES)].to_vec()),
        FileContent::Spooled { file, offset, len } => {
            let mut head = vec![0; HEAD_BYTES.min(usize::try_from(*len).unwrap_or(HEAD_BYTES))];
            file.read_exact_at(&mut head, *offset)?;
            Ok(head)
        }
    }
}

/// Of the files that `new` has and what it was made from has not (`base`: where its branch was, or the default branch is), those that
/// may be pickles. What `known` has is nothing that comes.
///
/// # Errors
/// Objects cannot be read.
pub fn of_history(reader: &GitReader, base: Option<Oid>, new: Oid, known: Option<Oid>) -> hub_git::Result<Vec<Suspect>> {
    let Some(new) = reader.peel(new)? else { return Ok(Vec::new()) };
    let commit = |oid: Option<Oid>| oid.map(|oid| reader.peel(oid)).transpose().map(Option::flatten);
    let (base, known) = (commit(base)?, commit(known)?);
    let base = base.map(|base| reader.merge_base(base, new)).transpose()?.flatten();
    let (changed, _) = reader.changed_files(base, Some(new), MAX_FILES)?;
    let mut suspects = Vec::new();
    for side in changed.into_iter().filter_map(|change| change.new).filter(|side| may_be_pickle(&side.path)) {
        let is_known = match known {
            Some(known) => reader.entry_at(known, &side.path)?.is_some_and(|entry| entry.oid == side.oid),
            None => false,
        };
        if !is_known {
            suspects.extend(of_side(reader, side)?);
        }
    }
    Ok(suspects)
}

fn of_side(reader: &GitReader, side: FileSide) -> hub_git::Result<Option<Suspect>> {
    let head = match &side.lfs {
        Some(pointer) => Head::Large(pointer.oid),
        None if side.mode & 0o170_000 != 0o100_000 => return Ok(None),
        None if side.size > MAX_BLOB_BYTES => Head::Unknown,
        None => {
            let mut bytes = reader.blob(side.oid, MAX_BLOB_BYTES)?;
            bytes.truncate(HEAD_BYTES);
            Head::Known(bytes)
        }
    };
    Ok(Some(Suspect { path: side.path, head }).filter(Suspect::is_open))
}

impl Suspect {
    /// Whether what is known of it does not clear it.
    fn is_open(&self) -> bool {
        match &self.head {
            Head::Known(head) => is_pickle(&self.path, head),
            Head::Large(_) => may_be_pickle(&self.path),
            Head::Unknown => is_named_pickle(&self.path),
        }
    }
}

/// Whether a repository refuses pickles.
///
/// # Errors
/// The database does not answer.
pub async fn are_refused(app: &App, repo: &Repo) -> sqlx::Result<bool> {
    Ok(find_pickle_rule(&app.pool, repo.pk).await?.refuses())
}

/// The paths of those that are pickles.
///
/// # Errors
/// 503 when the store or the database does not answer.
pub async fn find(app: &App, repo: &Repo, suspects: Vec<Suspect>) -> HubResult<Vec<String>> {
    let judged = stream::iter(suspects.into_iter().enumerate()).map(|(number, suspect)| async move {
        let is_one = match suspect.head {
            Head::Known(_) | Head::Unknown => true,
            Head::Large(oid) if number < MAX_READ => is_pickle(&suspect.path, &large_head(app, repo, oid).await?),
            Head::Large(_) => is_named_pickle(&suspect.path),
        };
        HubResult::Ok(is_one.then_some(suspect.path))
    });
    let found: Vec<Option<String>> = judged.buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Nothing for a file that the repository does not have: that is refused elsewhere.
async fn large_head(app: &App, repo: &Repo, oid: Sha256) -> HubResult<Vec<u8>> {
    let Some(held) = objects::find_held(app, repo.pk, oid).await? else { return Ok(Vec::new()) };
    let end = held.size.min(HEAD_BYTES as u64);
    let mut head = Vec::new();
    if end > 0 {
        let mut parts = objects::read::stream(app, &oid, &held, 0..end).await?;
        while let Some(part) = parts.try_next().await? {
            head.extend_from_slice(&part);
        }
    }
    Ok(head)
}

/// What a person is told whose files are refused: why, which, and what to do.
pub fn words(paths: &[String]) -> [String; 3] {
    let mut named = paths.iter().take(MAX_NAMED).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > MAX_NAMED {
        named.push_str(&format!(" and {} more", paths.len() - MAX_NAMED));
    }
    [
        "This repository takes no pickles: they can run code when they are loaded.".to_owned(),
        format!("Refused: {named}."),
        "Save the weights as safetensors (`save_pretrained`, or `safetensors.torch.save_file`) and send those instead."
            .to_owned(),
    ]
}

/// Refuses a change that brings pickles to a repository that takes none.
///
/// # Errors
/// 400 that says what to do.
pub(super) async fn refuse(app: &App, repo: &Repo, suspects: Vec<Suspect>) -> HubResult<()> {
    if suspects.is_empty() || !are_refused(app, repo).await? {
        return Ok(());
    }
    let found = find(app, repo, suspects).await?;
    if found.is_empty() { Ok(()) } else { Err(HubError::bad_request(words(&found).join(" "))) }
}

/// The same for a pull request that is to be merged: the setting may be younger than it is.
///
/// # Errors
/// As [`refuse`].
pub(super) async fn refuse_merge(app: &App, repo: &Repo, onto: Oid, from: Oid) -> HubResult<()> {
    if !are_refused(app, repo).await? {
        return Ok(());
    }
    let suspects = reading::read(app, repo, move |reader| of_history(reader, Some(onto), from, Some(onto))).await?;
    refuse(app, repo, suspects).await
}
