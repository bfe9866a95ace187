//! Committing by the API or a web form: objects are built in process, packed, stored, then the branch moves.
//!
//! Without a parent given, writers of one branch queue up and all succeed; with one, a branch that moved on
//! is a 412. The cost follows the folders that change, not the size of the repository.

use std::collections::HashMap;
use std::sync::Arc;

use hub_git::{Change, CommitMeta, CommitPlan, Content, LfsPointer, MAX_POINTER_BYTES, build_commit};
use hub_types::{Oid, RefName, RepoPath, Sha256};

use super::access::RepoWrite;
use super::head::Derive;
use super::queries::{self, Repo};
use super::refs::{RefChange, RefError, RefUpdate, apply_ref_updates, get_ref};
use super::{new_objects, reading};
use crate::accounts::Viewer;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;

/// How often a commit is built anew because another node was quicker.
const MAX_ROUNDS: usize = 20;

/// The longest first line of a commit message, in bytes.
const MAX_SUMMARY_BYTES: usize = 1000;
/// The longest rest of it.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;

/// A file's bytes, in memory or in a spool file.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// In memory.
    Bytes(Vec<u8>),
    /// A part of a spool file.
    Spooled {
        /// The spool, shared by all files of a commit.
        file: Arc<std::fs::File>,
        /// Where the bytes begin.
        offset: u64,
        /// How many there are.
        len: u64,
    },
}

/// One step of a commit.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Writes a file that git holds.
    AddFile {
        /// Where.
        path: RepoPath,
        /// What.
        content: FileContent,
    },
    /// Writes a pointer to a large file this repository has.
    AddLfs {
        /// Where.
        path: RepoPath,
        /// Which.
        oid: Sha256,
        /// Its size, if the client says it.
        size: Option<u64>,
    },
    /// Puts a file that this repository has in git at a path: it is moved or restored.
    CopyFile {
        /// Where.
        path: RepoPath,
        /// Its blob.
        blob: Oid,
        /// Whether it can be run.
        executable: bool,
    },
    /// Removes a file.
    DeleteFile(RepoPath),
    /// Removes a folder.
    DeleteFolder(RepoPath),
    /// Removes whatever is there.
    DeleteEntry(RepoPath),
}

/// A commit to make.
#[derive(Debug, Clone)]
pub struct NewCommit {
    /// The branch, as the client names it.
    pub revision: String,
    /// The first line of the message.
    pub summary: String,
    /// The rest.
    pub description: String,
    /// The commit the branch must be at, perhaps abbreviated.
    pub parent: Option<String>,
    /// What to do, in order.
    pub operations: Vec<Operation>,
}

/// Makes a commit on a branch and gives its id; with nothing changed, the branch's head.
///
/// # Errors
/// 404 for an unknown branch or a deletion of nothing, 412 when `parent` is not the head, 422 for large files this
/// repository does not have.
pub async fn create_commit(app: &App, write: &RepoWrite, new: NewCommit) -> HubResult<Oid> {
    let branch = branch_of(&new.revision)?;
    let meta = commit_meta(&write.viewer, &new)?;
    if branch == write.repo.default_ref()? {
        check_card(&write.repo, &new.operations).await?;
    }
    let changes: Arc<[Change]> = changes_of(app, &write.repo, new.operations).await?.into();
    let mut checked = write.repo.held_generation;
    let turn = app.writes.enter(write.repo.pk).await;
    for round in 0..MAX_ROUNDS {
        let repo = match round {
            0 if !turn.has_waited => write.repo.clone(),
            // Packs may have come since the request began.
            _ => queries::find_repo_by_pk(&app.pool, write.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?,
        };
        if repo.held_generation != checked {
            check_held(app, &repo, &changes).await?;
            checked = repo.held_generation;
        }
        let head = match repo.head_oid.filter(|_| branch.branch_name() == Some(repo.default_branch.as_str())) {
            // The commit point keeps it with the row.
            Some(head) => head,
            None => get_ref(app, &repo, &branch, &new.revision).await?,
        };
        if let Some(parent) = &new.parent
            && !is_abbreviation(parent, &head)
        {
            return Err(HubError::stale_parent());
        }
        let Some(change) = build(app, &repo, write, &branch, head, Arc::clone(&changes), meta.clone()).await? else {
            return Ok(head);
        };
        let made = change.updates.first().and_then(|update| update.new);
        match apply_ref_updates(app, change).await {
            Ok(()) => return made.ok_or_else(|| HubError::internal("a commit without a target")),
            Err(RefError::Conflict { found: None, .. }) => return Err(HubError::revision_not_found(&new.revision)),
            Err(RefError::Conflict { .. }) if new.parent.is_some() => return Err(HubError::stale_parent()),
            Err(RefError::Conflict { .. } | RefError::Outdated) => {}
            Err(error @ (RefError::Hub(_) | RefError::Blocked { .. })) => return Err(error.into()),
        }
    }
    Err(HubError::unavailable(
        "The branch is changing too fast. Try again in a moment.",
        "every round of the commit lost the race",
    ))
}

fn branch_of(revision: &str) -> HubResult<RefName> {
    let unknown = || HubError::revision_not_found(revision);
    if let Some(branch) = revision.strip_prefix("refs/heads/") {
        return RefName::branch(branch).map_err(|_| unknown());
    }
    RefName::branch(revision).map_err(|_| unknown())
}

fn is_abbreviation(text: &str, oid: &Oid) -> bool {
    text.len() >= 5 && oid.to_hex().starts_with(&text.to_ascii_lowercase())
}

fn commit_meta(viewer: &Viewer, new: &NewCommit) -> HubResult<CommitMeta> {
    let summary = new.summary.trim();
    if summary.len() > MAX_SUMMARY_BYTES || new.description.len() > MAX_DESCRIPTION_BYTES {
        return Err(HubError::bad_request(format!(
            "Keep the commit summary under {MAX_SUMMARY_BYTES} bytes and the description under {MAX_DESCRIPTION_BYTES}."
        )));
    }
    let summary = if summary.is_empty() { "Upload files" } else { summary };
    let message = match new.description.trim() {
        "" => summary.to_owned(),
        description => format!("{summary}\n\n{description}"),
    };
    let author = new_objects::person(viewer)?;
    Ok(CommitMeta { committer: author.clone(), author, message })
}

/// A file that is the pointer of a large one names that one, whichever way it comes.
fn with_pointers(operations: Vec<Operation>) -> std::io::Result<Vec<Operation>> {
    let read = |operation: Operation| {
        let Operation::AddFile { path, content } = operation else { return Ok(operation) };
        let small = match &content {
            FileContent::Bytes(bytes) => bytes.len() as u64 <= MAX_POINTER_BYTES,
            FileContent::Spooled { len, .. } => *len <= MAX_POINTER_BYTES,
        };
        let pointer = if small { LfsPointer::parse(&content_of(content.clone()).read()?) } else { None };
        Ok(match pointer {
            Some(pointer) => Operation::AddLfs { path, oid: pointer.oid, size: Some(pointer.size) },
            None => Operation::AddFile { path, content },
        })
    };
    operations.into_iter().map(read).collect()
}

/// Turns operations into changes of the tree; large files must be this repository's.
async fn changes_of(app: &App, repo: &Repo, operations: Vec<Operation>) -> HubResult<Vec<Change>> {
    let operations = tokio::task::spawn_blocking(move || with_pointers(operations)).await??;
    let mut wanted: Vec<Sha256> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::AddLfs { oid, .. } => Some(*oid),
            _ => None,
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let held = objects::has_objects(app, repo.pk, &wanted).await?;
    operations.into_iter().map(|operation| change_of(operation, &held)).collect()
}

/// Checks again, after the repository has lost large files, that it has those of a commit.
async fn check_held(app: &App, repo: &Repo, changes: &[Change]) -> HubResult<()> {
    let large = |change: &Change| match change {
        Change::AddLfs { path, pointer } => Some((pointer.oid, path.clone())),
        _ => None,
    };
    let wanted: HashMap<Sha256, RepoPath> = changes.iter().filter_map(large).collect();
    let oids: Vec<Sha256> = wanted.keys().copied().collect();
    let held = objects::list_held(&app.pool, repo.pk, &oids).await?;
    match wanted.iter().find(|(oid, _)| !held.contains_key(*oid)) {
        Some((oid, path)) => Err(not_uploaded(oid, path)),
        None => Ok(()),
    }
}

fn not_uploaded(oid: &Sha256, path: &RepoPath) -> HubError {
    HubError::unprocessable(format!(
        "The large file {oid} of `{path}` has not been uploaded to this repository. Upload it first."
    ))
}

fn change_of(operation: Operation, held: &HashMap<Sha256, u64>) -> HubResult<Change> {
    Ok(match operation {
        Operation::AddFile { path, content } => Change::AddBlob { path, content: content_of(content) },
        Operation::AddLfs { path, oid, size } => {
            let Some(stored) = held.get(&oid) else { return Err(not_uploaded(&oid, &path)) };
            if size.is_some_and(|size| size != *stored) {
                return Err(HubError::unprocessable(format!("`{path}` is {stored} bytes long, not what the commit says.")));
            }
            Change::AddLfs { path, pointer: LfsPointer::new(oid, *stored) }
        }
        Operation::CopyFile { path, blob, executable } => Change::AddExisting { path, blob, executable },
        Operation::DeleteFile(path) => Change::DeleteFile(path.as_str().to_owned()),
        Operation::DeleteFolder(path) => Change::DeleteFolder(path.as_str().to_owned()),
        Operation::DeleteEntry(path) => Change::DeleteEntry(path.as_str().to_owned()),
    })
}

fn content_of(content: FileContent) -> Content {
    match content {
        FileContent::Bytes(bytes) => Content::Bytes(bytes),
        FileContent::Spooled { file, offset, len } => Content::Spooled { file, offset, len },
    }
}

/// Builds the objects on top of `parent` and stores them; `None` when nothing would change.
async fn build<'a>(
    app: &App,
    repo: &'a Repo,
    write: &RepoWrite,
    branch: &RefName,
    parent: Oid,
    changes: Arc<[Change]>,
    meta: CommitMeta,
) -> HubResult<Option<RefChange<'a>>> {
    let (scratch, derive) = (app.git.temp_dir(), Derive::for_branch(repo, branch)?);
    let built = reading::read(app, repo, move |reader| {
        let plan = CommitPlan { parent: Some(parent), changes: &changes, meta: &meta, cover_lfs: true };
        let built = build_commit(reader, &scratch, plan)?;
        let metadata = match built.changed {
            true => derive.of_commit(reader, built.commit, built.pack.as_ref())?,
            false => None,
        };
        Ok((built, metadata))
    });
    let (built, metadata) = built.await?;
    if !built.changed {
        return Ok(None);
    }
    Ok(Some(RefChange {
        repo,
        actor_pk: write.viewer.user.as_ref().map(|user| user.pk),
        kind: "commit",
        updates: vec![RefUpdate { name: branch.clone(), expected: Some(parent), new: Some(built.commit) }],
        metadata,
        packs: new_objects::store(app, built.pack).await?,
    }))
}

/// The card of the default branch must have valid front matter, as after a push.
async fn check_card(repo: &Repo, operations: &[Operation]) -> HubResult<()> {
    let card = operations.iter().rev().find_map(|operation| match operation {
        Operation::AddFile { path, content } if path.as_str() == "README.md" => Some(content.clone()),
        _ => None,
    });
    let Some(card) = card else { return Ok(()) };
    let repo_type = repo.repo_type;
    let report = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
        let text = content_of(card).read()?;
        Ok(hub_cards::validate(&String::from_utf8_lossy(&text), repo_type))
    });
    let report = report.await??;
    if report.errors.is_empty() {
        return Ok(());
    }
    let errors: Vec<&str> = report.errors.iter().map(|finding| finding.message.as_str()).collect();
    Err(HubError::bad_request(format!("Invalid metadata in README.md: {}", errors.join("; "))))
}
