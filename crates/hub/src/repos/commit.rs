//! Committing by the API or a web form: objects are built in process, packed, stored, then the branch moves.
//!
//! Without a parent given, writers of one branch queue up and all succeed; with one, a branch that moved on
//! is a 412. The cost follows the folders that change, not the size of the repository.

use std::collections::HashMap;
use std::sync::Arc;

use hub_git::{Change, CommitMeta, CommitPlan, Content, EntryKind, GitReader, LfsPointer, MAX_POINTER_BYTES, build_commit};
use hub_types::{Oid, RefName, RepoPath, Sha256};

use super::access::{RepoRead, RepoWrite};
use super::head::Derive;
use super::metadata::HeadMetadata;
use super::queries::{self, Repo};
use super::refs::{RefChange, RefError, RefUpdate, StoredPack, apply_ref_updates, get_ref};
use super::{new_objects, pickles, reading};
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
    if branch == write.repo.default_ref()? {
        check_card(&write.repo, &new.operations).await?;
    }
    commit_onto(app, write, &branch, new).await
}

/// Makes a commit where the caller has made sure that the viewer may: on a branch, or on a pull request.
pub(super) async fn commit_onto(app: &App, read: &RepoRead, branch: &RefName, new: NewCommit) -> HubResult<Oid> {
    let meta = commit_meta(&read.viewer, &new)?;
    let changes: Arc<[Change]> = changes_of(app, &read.repo, new.operations).await?.into();
    let mut checked = read.repo.held_generation;
    let turn = app.writes.enter(read.repo.pk).await;
    for round in 0..MAX_ROUNDS {
        let repo = match round {
            0 if !turn.has_waited => read.repo.clone(),
            // Packs may have come since the request began.
            _ => queries::find_repo_by_pk(&app.pool, read.repo.pk).await?.ok_or_else(|| HubError::repo_not_found(false))?,
        };
        if repo.held_generation != checked {
            check_held(app, &repo, &changes).await?;
            checked = repo.held_generation;
        }
        let head = match repo.head_oid.filter(|_| branch.branch_name() == Some(repo.default_branch.as_str())) {
            // The commit point keeps it with the row.
            Some(head) => head,
            None => get_ref(app, &repo, branch, &new.revision).await?,
        };
        if let Some(parent) = &new.parent
            && !is_abbreviation(parent, &head)
        {
            return Err(HubError::stale_parent());
        }
        let Some(built) = build(app, &repo, Some(branch), head, Arc::clone(&changes), meta.clone()).await? else {
            return Ok(head);
        };
        let change = RefChange {
            repo: &repo,
            actor_pk: read.viewer.user.as_ref().map(|user| user.pk),
            kind: "commit",
            updates: vec![RefUpdate { name: branch.clone(), expected: Some(head), new: Some(built.commit) }],
            metadata: built.metadata,
            packs: built.packs,
        };
        match apply_ref_updates(app, change).await {
            Ok(()) => return Ok(built.commit),
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

pub(super) fn is_abbreviation(text: &str, oid: &Oid) -> bool {
    text.len() >= 5 && oid.to_hex().starts_with(&text.to_ascii_lowercase())
}

pub(super) fn commit_meta(viewer: &Viewer, new: &NewCommit) -> HubResult<CommitMeta> {
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

/// Turns operations into changes of the tree; large files must be this repository's, and pickles be welcome.
pub(super) async fn changes_of(app: &App, repo: &Repo, operations: Vec<Operation>) -> HubResult<Vec<Change>> {
    let read = move || {
        let operations = with_pointers(operations)?;
        let suspects = pickles::of_operations(&operations)?;
        Ok::<_, std::io::Error>((operations, suspects))
    };
    let (operations, suspects) = tokio::task::spawn_blocking(read).await??;
    pickles::refuse(app, repo, suspects).await?;
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
pub(super) async fn check_held(app: &App, repo: &Repo, changes: &[Change]) -> HubResult<()> {
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

/// A commit whose objects are in the store.
pub(super) struct Built {
    /// Its id.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// What holds its objects.
    pub packs: Vec<StoredPack>,
    /// What is derived from it, for the default branch.
    pub metadata: Option<HeadMetadata>,
}

/// Builds the objects on top of `parent`, for a branch or for none that is known yet, and stores them; `None` when nothing
/// would change.
pub(super) async fn build(
    app: &App,
    repo: &Repo,
    branch: Option<&RefName>,
    parent: Oid,
    changes: Arc<[Change]>,
    meta: CommitMeta,
) -> HubResult<Option<Built>> {
    let scratch = app.git.temp_dir();
    let derive = branch.map(|branch| Derive::for_branch(repo, branch)).transpose()?;
    let built = reading::read(app, repo, move |reader| {
        let plan = CommitPlan { parent: Some(parent), changes: &changes, meta: &meta, cover_lfs: true };
        let built = build_commit(reader, &scratch, plan)?;
        let metadata = match derive.as_ref().filter(|_| built.changed) {
            Some(derive) => derive.of_commit(reader, built.commit, built.pack.as_ref())?,
            None => None,
        };
        Ok((built, metadata))
    });
    let (built, metadata) = built.await?;
    if !built.changed {
        return Ok(None);
    }
    Ok(Some(Built { commit: built.commit, tree: built.tree, packs: new_objects::store(app, built.pack).await?, metadata }))
}

/// The card of the default branch must have valid front matter, as after a push.
async fn check_card(repo: &Repo, operations: &[Operation]) -> HubResult<()> {
    let card = operations.iter().rev().find_map(|operation| match operation {
        Operation::AddFile { path, content } if path.as_str() == "README.md" => Some(content.clone()),
        _ => None,
    });
    let Some(card) = card else { return Ok(()) };
    let text = tokio::task::spawn_blocking(move || content_of(card).read()).await??;
    check_card_text(repo, text).await
}

/// The card of a commit, unless it is too large to be judged.
pub(super) fn card_of(reader: &GitReader, commit: Oid) -> hub_git::Result<Option<Vec<u8>>> {
    let limit = hub_cards::MAX_MARKDOWN_BYTES as u64;
    match reader.entry_at(commit, "README.md")? {
        Some(entry) if entry.kind == EntryKind::File && entry.lfs.is_none() && entry.size <= limit => {
            reader.blob(entry.oid, limit).map(Some)
        }
        _ => Ok(None),
    }
}

/// Judges the front matter of a card that comes to the default branch.
pub(super) async fn check_card_text(repo: &Repo, text: Vec<u8>) -> HubResult<()> {
    let repo_type = repo.repo_type;
    let report = tokio::task::spawn_blocking(move || hub_cards::validate(&String::from_utf8_lossy(&text), repo_type)).await?;
    if report.errors.is_empty() {
        return Ok(());
    }
    let errors: Vec<&str> = report.errors.iter().map(|finding| finding.message.as_str()).collect();
    Err(HubError::bad_request(format!("Invalid metadata in README.md: {}", errors.join("; "))))
}
