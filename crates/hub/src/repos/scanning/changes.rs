//! Which files were pushed since somebody looked.

use std::collections::HashSet;

use hub_git::{FileChange, FileSide, GitReader, LfsPointer};
use hub_types::Oid;
use serde_json::Value;

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::scanning::RefEventRow;
use crate::repos::{Repo, reading};
use crate::scans::FileKey;
use crate::scans::queries::RepoScanRow;

/// How many files are looked at in one push, or in a series of pushes; of more, those of the default branch that come first in
/// git's order.
pub(super) const MAX_FILES: usize = 100_000;
/// How many files one move of another ref may change.
const MAX_FILES_BESIDE: usize = 5_000;
/// How many of the last events are looked at.
pub(super) const MAX_EVENTS: i64 = 50;
/// How many refs in them.
const MAX_REFS: usize = 200;
/// What git has for a file, and for one that can be run.
const FILES: [u32; 2] = [0o100_644, 0o100_755];

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the default branch.
    Head,
    /// On another branch or tag.
    Beside,
    /// In a pull request, which anybody can open, by somebody.
    Proposed(Option<i64>),
}

/// A file that is new, or has another content.
#[derive(Debug, Clone)]
pub(super) struct ChangedFile {
    /// Its path.
    pub path: String,
    /// What it is known by.
    pub key: FileKey,
    /// Its blob.
    pub blob: Oid,
    /// Its size in bytes.
    pub size: u64,
    /// Its pointer, if it is a large file.
    pub lfs: Option<LfsPointer>,
    /// Where it is.
    pub place: Place,
}

/// What was pushed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The files, those of the default branch first.
    pub files: Vec<ChangedFile>,
    /// Whether there were more.
    pub is_cut: bool,
    /// The paths of the default branch that are not as they were.
    pub touched: HashSet<String>,
    /// Who moved branches and tags, the last one first.
    pub actors: Vec<i64>,
}

impl Changes {
    /// What the files are known by, each once.
    pub(super) fn keys(&self) -> Vec<FileKey> {
        let unique: HashSet<&FileKey> = self.files.iter().map(|file| &file.key).collect();
        unique.into_iter().cloned().collect()
    }
}

/// Of a repository since a state; without one, everything that the default branch has. `events` are its last ones, the newest first.
pub(super) async fn of(app: &App, repo: &Repo, events: &[RefEventRow], since: Option<&RepoScanRow>) -> HubResult<Changes> {
    let after = since.map_or(0, |row| row.event_pk);
    let events = events.iter().filter(|event| event.event_pk > after);
    let default = repo.default_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    let ours = events.clone().filter(|event| moves_of(event).any(|moved| !is_proposal(moved)));
    let mut actors: Vec<i64> = ours.filter_map(|event| event.actor_pk).collect();
    actors.dedup();
    let default = default.as_str();
    let moves = events.flat_map(|event| moves_of(event).filter_map(move |moved| Move::of(moved, event.actor_pk, default)));
    let moves: Vec<Move> = moves.take(MAX_REFS).collect();
    let (head, old) = (repo.head_oid, since.and_then(|row| row.commit_oid));
    let files = reading::read(app, repo, move |reader| {
        let mut files = Files::default();
        if let Some(head) = head {
            files.of_head(reader, old, head)?;
        }
        for moved in &moves {
            files.of_move(reader, moved, head)?;
        }
        Ok(files)
    })
    .await?;
    Ok(Changes { files: files.files, is_cut: files.is_cut, touched: files.touched, actors })
}

fn moves_of(event: &RefEventRow) -> impl Iterator<Item = &Value> {
    event.refs.as_ref().and_then(Value::as_array).into_iter().flatten()
}

fn is_proposal(moved: &Value) -> bool {
    moved["ref"].as_str().is_some_and(|name| name.starts_with("refs/pr/"))
}

/// A move of another ref than the default branch.
#[derive(Debug)]
struct Move {
    old: Option<Oid>,
    new: Oid,
    place: Place,
}

impl Move {
    fn of(moved: &Value, actor_pk: Option<i64>, default: &str) -> Option<Self> {
        let oid = |key: &str| moved.get(key)?.as_str()?.parse::<Oid>().ok();
        let place = if is_proposal(moved) { Place::Proposed(actor_pk) } else { Place::Beside };
        let name = moved.get("ref")?.as_str()?;
        (name != default).then(|| Some(Self { old: oid("old"), new: oid("new")?, place }))?
    }
}

#[derive(Default)]
struct Files {
    files: Vec<ChangedFile>,
    is_cut: bool,
    touched: HashSet<String>,
    seen: HashSet<FileKey>,
}

impl Files {
    fn of_head(&mut self, reader: &GitReader, old: Option<Oid>, head: Oid) -> hub_git::Result<()> {
        let (changed, more) = match reader.changed_files(old, Some(head), MAX_FILES) {
            // A history that was rewritten may have lost the commit.
            Err(hub_git::Error::ObjectMissing(_) | hub_git::Error::RevisionNotFound(_)) if old.is_some() => {
                reader.changed_files(None, Some(head), MAX_FILES)?
            }
            other => other?,
        };
        self.is_cut |= more;
        for FileChange { old, new, .. } in changed {
            self.touched.extend(old.map(|side| side.path));
            if let Some(side) = new {
                self.touched.insert(side.path.clone());
                self.add(side, Place::Head);
            }
        }
        Ok(())
    }

    fn of_move(&mut self, reader: &GitReader, moved: &Move, head: Option<Oid>) -> hub_git::Result<()> {
        // A ref may be gone again, with its objects.
        let commit = |oid: Oid| reader.peel(oid).ok().flatten();
        let Some(new) = commit(moved.new) else { return Ok(()) };
        let (changed, more) = match reader.changed_files(moved.old.or(head).and_then(commit), Some(new), MAX_FILES_BESIDE) {
            Err(hub_git::Error::ObjectMissing(_) | hub_git::Error::RevisionNotFound(_)) => return Ok(()),
            other => other?,
        };
        if more {
            tracing::warn!(commit = %new, "of what was pushed to a branch, only {MAX_FILES_BESIDE} files are looked at");
        }
        for side in changed.into_iter().filter_map(|change| change.new) {
            self.add(side, moved.place);
        }
        Ok(())
    }

    fn add(&mut self, side: FileSide, place: Place) {
        if !FILES.contains(&side.mode) {
            return;
        }
        if self.files.len() == MAX_FILES {
            self.is_cut = true;
            return;
        }
        let key = FileKey::new(&side.path, side.oid, side.lfs.as_ref());
        // The same content at two paths of the default branch is two files with issues.
        if self.seen.insert(key.clone()) || place == Place::Head {
            self.files.push(ChangedFile { path: side.path, key, blob: side.oid, size: side.size, lfs: side.lfs, place });
        }
    }
}
