//! The rule that no pickles come: a setting of a repository, or of the organisation that owns it. Commits, pull requests, merges
//! and pushes all ask here. What is there already stays, and can be deleted.
//!
//! A file is judged by its name and its first bytes ([`hub_scan::is_pickle`]), which a push can wait for.

use std::collections::HashSet;
use std::os::unix::fs::FileExt as _;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use hub_git::{FileSide, GitReader, LfsPointer, MAX_POINTER_BYTES};
use hub_scan::{HEAD_BYTES, is_named_pickle, is_pickle, may_be_pickle};
use hub_types::{Oid, Sha256};

use super::commit::{FileContent, Operation};
use super::queries::Repo;
use super::queries::pickles::find_pickle_rule;
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;

/// How many files of one change are looked at, and how many commits; more are refused.
const MAX_FILES: usize = 100_000;
const MAX_COMMITS: usize = 10_000;
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
    /// Those of a file that the repository has in git.
    InGit(Oid),
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
            Operation::CopyFile { path, blob, .. } => (path, Head::InGit(*blob)),
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

/// Of the files that the new commits of a push bring, those that may be pickles. The new commits are what `tips` have and no ref of
/// before (`refs`), each looked at by itself: what one brings and the next deletes can be fetched all the same. What `head`, the
/// default branch, has is nothing that comes. Nothing at all if there is more than can be looked at.
///
/// # Errors
/// Objects cannot be read.
pub fn of_push(reader: &GitReader, tips: &[Oid], refs: &[Oid], head: Option<Oid>) -> hub_git::Result<Option<Vec<Suspect>>> {
    let commits = reader.commits_beyond(tips, refs, MAX_COMMITS + 1)?;
    if commits.len() > MAX_COMMITS {
        return Ok(None);
    }
    let head = head.map(|head| reader.peel(head)).transpose()?.flatten();
    let (mut left, mut seen, mut suspects) = (MAX_FILES, HashSet::new(), Vec::new());
    for commit in commits {
        let mut before = commit.parents.iter().copied();
        let (changed, more) = reader.changed_files(before.next(), Some(commit.oid), left)?;
        if more {
            return Ok(None);
        }
        left = left.saturating_sub(changed.len());
        // What the other sides of a merge have came with them.
        let known: Vec<Oid> = before.chain(head).collect();
        for side in changed.into_iter().filter_map(|change| change.new).filter(|side| may_be_pickle(&side.path)) {
            if seen.insert((side.path.clone(), side.oid)) && !is_in_any(reader, &known, &side)? {
                suspects.extend(of_side(reader, side)?);
            }
        }
    }
    Ok(Some(suspects))
}

fn is_in_any(reader: &GitReader, commits: &[Oid], side: &FileSide) -> hub_git::Result<bool> {
    for commit in commits {
        if reader.entry_at(*commit, &side.path)?.is_some_and(|entry| entry.oid == side.oid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of the files that `from` has and what it was made from has not, those that may be pickles. What `onto` has is nothing that comes.
/// Nothing at all if there is more than can be looked at.
fn of_merge(reader: &GitReader, onto: Oid, from: Oid) -> hub_git::Result<Option<Vec<Suspect>>> {
    let base = reader.merge_base(onto, from)?;
    let (changed, more) = reader.changed_files(base, Some(from), MAX_FILES)?;
    if more {
        return Ok(None);
    }
    let mut suspects = Vec::new();
    for side in changed.into_iter().filter_map(|change| change.new).filter(|side| may_be_pickle(&side.path)) {
        if !is_in_any(reader, &[onto], &side)? {
            suspects.extend(of_side(reader, side)?);
        }
    }
    Ok(Some(suspects))
}

fn of_side(reader: &GitReader, side: FileSide) -> hub_git::Result<Option<Suspect>> {
    let head = match &side.lfs {
        Some(pointer) => Head::Large(pointer.oid),
        None if side.mode & 0o170_000 != 0o100_000 => return Ok(None),
        None if side.size > MAX_BLOB_BYTES => Head::Unknown,
        None => head_of_blob(reader, side.oid)?,
    };
    Ok(Some(Suspect { path: side.path, head }).filter(Suspect::is_open))
}

fn head_of_blob(reader: &GitReader, blob: Oid) -> hub_git::Result<Head> {
    if reader.blob_size(blob)? > MAX_BLOB_BYTES {
        return Ok(Head::Unknown);
    }
    let mut bytes = reader.blob(blob, MAX_BLOB_BYTES)?;
    let pointer = if bytes.len() as u64 <= MAX_POINTER_BYTES { LfsPointer::parse(&bytes) } else { None };
    bytes.truncate(HEAD_BYTES);
    Ok(pointer.map_or(Head::Known(bytes), |pointer| Head::Large(pointer.oid)))
}

impl Suspect {
    /// Whether what is known of it does not clear it.
    fn is_open(&self) -> bool {
        match &self.head {
            Head::Known(head) => is_pickle(&self.path, head),
            Head::Large(_) | Head::InGit(_) => may_be_pickle(&self.path),
            Head::Unknown => is_named_pickle(&self.path),
        }
    }
}

/// What a person is told who sends more than can be looked at.
pub const TOO_MUCH: [&str; 2] = [
    "This repository takes no pickles, so all that comes is looked at: at most 100,000 files and 10,000 commits at once.",
    "Send it in several steps: some commits first, then the rest.",
];

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
            Head::Known(_) | Head::Unknown | Head::InGit(_) => true,
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

/// Reads how those begin that are copies of what the repository has.
async fn looked_up(app: &App, repo: &Repo, mut suspects: Vec<Suspect>) -> HubResult<Vec<Suspect>> {
    let blob_of = |suspect: &Suspect| if let Head::InGit(blob) = suspect.head { Some(blob) } else { None };
    let blobs: Vec<Oid> = suspects.iter().filter_map(blob_of).collect();
    if blobs.is_empty() {
        return Ok(suspects);
    }
    let read =
        move |reader: &GitReader| blobs.iter().map(|blob| head_of_blob(reader, *blob)).collect::<hub_git::Result<Vec<_>>>();
    let heads = reading::read(app, repo, read).await?;
    let copies = suspects.iter_mut().filter(|suspect| matches!(suspect.head, Head::InGit(_)));
    for (suspect, head) in copies.zip(heads) {
        suspect.head = head;
    }
    suspects.retain(Suspect::is_open);
    Ok(suspects)
}

/// Refuses a change that brings pickles to a repository that takes none.
///
/// # Errors
/// 400 that says what to do.
pub(super) async fn refuse(app: &App, repo: &Repo, suspects: Vec<Suspect>) -> HubResult<()> {
    if suspects.is_empty() || !are_refused(app, repo).await? {
        return Ok(());
    }
    let found = find(app, repo, looked_up(app, repo, suspects).await?).await?;
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
    match reading::read(app, repo, move |reader| of_merge(reader, onto, from)).await? {
        Some(suspects) => refuse(app, repo, suspects).await,
        None => Err(HubError::bad_request(TOO_MUCH.join(" "))),
    }
}
