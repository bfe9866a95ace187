//! Which files were pushed since somebody looked.

use std::collections::HashSet;

use hub_git::{FileChange, FileSide, GitReader};
use hub_types::Oid;
use serde_json::Value;

use crate::app::App;
use crate::error::HubResult;
use crate::repos::queries::scanning::list_ref_events;
use crate::repos::{Repo, reading};
use crate::scans::FileKey;
use crate::scans::queries::RepoScanRow;

/// How many files of the default branch one push may change; of more, the first in git's order are looked at.
const MAX_FILES: usize = 100_000;
/// The same of any other ref.
const MAX_FILES_BESIDE: usize = 5_000;
/// How many of the last events are looked at.
const MAX_EVENTS: i64 = 50;
/// How many refs in them.
const MAX_REFS: usize = 200;
/// What git has for a file, and for one that can be run.
const FILES: [u32; 2] = [0o100_644, 0o100_755];

/// A file that is new, or has another content.
#[derive(Debug, Clone)]
pub(super) struct ChangedFile {
    /// Its path.
    pub path: String,
    /// What it is known by.
    pub key: FileKey,
    /// A commit that has it.
    pub commit: Oid,
    /// Whether the default branch has it.
    pub in_head: bool,
}

/// What was pushed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The files, those of the default branch first.
    pub files: Vec<ChangedFile>,
    /// The paths of the default branch that are not as they were.
    pub touched: HashSet<String>,
    /// The newest commit of the default branch.
    pub head: Option<Oid>,
    /// The last event.
    pub event_pk: i64,
    /// Who pushed, the last one first.
    pub actors: Vec<i64>,
}

impl Changes {
    /// What the files are known by, each once.
    pub(super) fn keys(&self) -> Vec<FileKey> {
        let unique: HashSet<&FileKey> = self.files.iter().map(|file| &file.key).collect();
        unique.into_iter().cloned().collect()
    }
}

/// Of a repository since a state; without one, everything that the default branch has.
pub(super) async fn of(app: &App, repo: &Repo, since: Option<&RepoScanRow>) -> HubResult<Changes> {
    let after = since.map_or(0, |row| row.event_pk);
    let events = list_ref_events(&app.pool, repo.pk, after, MAX_EVENTS).await?;
    let default = repo.default_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    let moves = events.iter().filter_map(|event| event.refs.as_ref()?.as_array()).flatten();
    let moves: Vec<(Option<Oid>, Oid)> = moves.filter_map(|moved| beside(moved, &default)).take(MAX_REFS).collect();
    let (head, old) = (repo.head_oid, since.and_then(|row| row.commit_oid));
    let (files, touched) = reading::read(app, repo, move |reader| {
        let mut files = Files::default();
        if let Some(head) = head {
            files.of_head(reader, old, head)?;
        }
        for (old, new) in &moves {
            files.beside(reader, old.or(head), *new)?;
        }
        Ok((files.files, files.touched))
    })
    .await?;
    let mut actors: Vec<i64> = events.iter().filter_map(|event| event.actor_pk).collect();
    actors.dedup();
    let event_pk = events.first().map_or(after, |event| event.event_pk);
    Ok(Changes { files, touched, head, event_pk, actors })
}

/// A move of another ref than the default branch.
fn beside(moved: &Value, default: &str) -> Option<(Option<Oid>, Oid)> {
    let oid = |key: &str| moved.get(key)?.as_str()?.parse::<Oid>().ok();
    let name = moved.get("ref")?.as_str()?;
    (name != default).then(|| Some((oid("old"), oid("new")?)))?
}

#[derive(Default)]
struct Files {
    files: Vec<ChangedFile>,
    touched: HashSet<String>,
    seen: HashSet<FileKey>,
}

impl Files {
    fn of_head(&mut self, reader: &GitReader, old: Option<Oid>, head: Oid) -> hub_git::Result<()> {
        let changed = match reader.changed_files(old, Some(head), MAX_FILES) {
            // A history that was rewritten may have lost the commit.
            Err(hub_git::Error::ObjectMissing(_) | hub_git::Error::RevisionNotFound(_)) if old.is_some() => {
                reader.changed_files(None, Some(head), MAX_FILES)?
            }
            other => other?,
        };
        for FileChange { old, new, .. } in changed.0 {
            self.touched.extend(old.map(|side| side.path));
            if let Some(side) = new {
                self.touched.insert(side.path.clone());
                self.add(side, head, true);
            }
        }
        Ok(())
    }

    fn beside(&mut self, reader: &GitReader, old: Option<Oid>, new: Oid) -> hub_git::Result<()> {
        // A ref may be gone again, with its objects.
        let commit = |oid: Oid| reader.peel(oid).ok().flatten();
        let Some(new) = commit(new) else { return Ok(()) };
        let changed = match reader.changed_files(old.and_then(commit), Some(new), MAX_FILES_BESIDE) {
            Err(hub_git::Error::ObjectMissing(_) | hub_git::Error::RevisionNotFound(_)) => return Ok(()),
            other => other?,
        };
        for side in changed.0.into_iter().filter_map(|change| change.new) {
            self.add(side, new, false);
        }
        Ok(())
    }

    fn add(&mut self, side: FileSide, commit: Oid, in_head: bool) {
        if !FILES.contains(&side.mode) {
            return;
        }
        let key = FileKey::new(&side.path, side.oid, side.lfs.as_ref());
        // The same content at two paths of the default branch is two files with issues.
        if self.seen.insert(key.clone()) || in_head {
            self.files.push(ChangedFile { path: side.path, key, commit, in_head });
        }
    }
}
