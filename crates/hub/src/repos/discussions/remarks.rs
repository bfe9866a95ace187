//! Remarks: comments that stand at a line of what a pull request changes. A thread begins with one, and others answer in it.
//!
//! The lines themselves are kept, so that a thread can be read when the pull request has moved on. They are parts of files: only
//! [`snippets`] gives them out, and to those alone who may download the files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hub_git::{EntryKind, FileChange, FileSide, GitReader, TextDiff};
use hub_types::Oid;
use serde_json::json;

use super::changes::{check_room, check_unlocked, has_room, insert, lock, required};
use super::timeline::ends;
use super::{PullState, get, get_to_change, participant};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::Content;
use crate::recalls;
use crate::repos::access::{RepoContent, RepoRead};
use crate::repos::diff_lines::{MAX_FILE_BYTES, MAX_FILES, Moves, Numbered, excerpt};
use crate::repos::queries::Repo;
use crate::repos::queries::discussions::{self, DiffSide, Discussion, NewThread, ThreadRow};
use crate::repos::reading;

/// How many commits of a pull request are looked through for one that was never its last.
const MAX_COMMITS: usize = 1_000;
/// How many bytes of files are compared to find lines again. What is beyond counts as changed.
const MAX_COMPARED_BYTES: usize = 8 * 1024 * 1024;
/// How many lines are kept before the one that a thread is about.
const LINES_BEFORE: usize = 3;
/// How much of a long line is kept, in characters.
const MAX_LINE_CHARS: usize = 500;
/// The longest path that is kept, in bytes. Git itself has no limit.
const MAX_PATH_BYTES: usize = 4096;

/// A line of what a pull request changes. Made by [`Spot::new`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    path: String,
    side: DiffSide,
    line: i32,
    commit: Option<Oid>,
}

impl Spot {
    /// Reads where somebody wants to say something: a file and the number of a line, before (`old`) or after (`new`) the change, as it
    /// was at a commit of the pull request, or is at its last.
    ///
    /// # Errors
    /// 400 for another side, number or commit, and for a path that is too long to be kept.
    pub fn new(path: &str, side: &str, line: i64, commit: Option<&str>) -> HubResult<Self> {
        let side = match side {
            "old" => DiffSide::Old,
            "new" => DiffSide::New,
            _ => return Err(HubError::bad_request("`side` is `old` or `new`: the file before or after the change.")),
        };
        let line = i32::try_from(line).ok().filter(|line| *line > 0);
        let line = line.ok_or_else(|| HubError::bad_request("`line` is the number of a line, from 1 on."))?;
        if path.len() > MAX_PATH_BYTES {
            return Err(HubError::bad_request("The path of this file is too long for comments on its lines."));
        }
        let commit = commit.map(|text| text.parse::<Oid>().map_err(|_| HubError::bad_request("`commit` is the id of a commit.")));
        Ok(Self { path: path.to_owned(), side, line, commit: commit.transpose()? })
    }

    /// The file, on its side.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The side.
    pub fn side(&self) -> DiffSide {
        self.side
    }

    /// The number of the line there.
    pub fn line(&self) -> i32 {
        self.line
    }

    fn is_at(&self, row: &Numbered<'_>) -> bool {
        let number = match self.side {
            DiffSide::Old => row.old_number(),
            DiffSide::New => row.new_number(),
        };
        number == u64::try_from(self.line).ok()
    }
}

/// What was found at a spot.
struct Looked {
    commit: Oid,
    old_blob: Option<Oid>,
    new_blob: Option<Oid>,
    snippet: String,
}

/// Says something about a line that a pull request changes, which begins a thread, and gives the id of the comment.
///
/// # Errors
/// 400 for an empty text, or a line that is not among those shown; 401 or 403 for those who may not; 404 for an unknown number; 451 for a
/// file that was recalled.
pub async fn remark(app: &App, content: &RepoContent, num: i64, spot: &Spot, text: &str) -> HubResult<String> {
    let author_pk = participant(content)?;
    let found = get(app, &content.repo, num).await?;
    if !found.is_pull_request() {
        return Err(HubError::bad_request(format!("#{num} is no pull request: there are no lines to say something about.")));
    }
    check_unlocked(content, &found)?;
    let text = required(text)?;
    let looked = look(app, &content.repo, &found, spot).await?;
    for blob in [looked.old_blob, looked.new_blob].into_iter().flatten() {
        recalls::check(app, content.repo.pk, Content::Blob(blob)).await?;
    }
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    check_room(&mut tx, &found).await?;
    let id = insert(app, &mut tx, (content.repo.pk, &found), author_pk, &text).await?;
    let thread = NewThread {
        path: &spot.path,
        side: spot.side,
        line: spot.line,
        commit: looked.commit,
        old_blob: looked.old_blob,
        new_blob: looked.new_blob,
        snippet: &looked.snippet,
    };
    discussions::insert_thread(&mut tx, &id, &thread).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(id)
}

/// Answers in the thread of a comment, and gives the id of the answer.
///
/// # Errors
/// 400 for an empty text, 401 or 403 for those who may not, 404 for an unknown number or a comment that is in no thread.
pub async fn reply(app: &App, read: &RepoRead, num: i64, to: &str, text: &str) -> HubResult<String> {
    let author_pk = participant(read)?;
    let found = get(app, &read.repo, num).await?;
    check_unlocked(read, &found)?;
    let text = required(text)?;
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    check_room(&mut tx, &found).await?;
    let thread_pk = discussions::find_thread(&mut *tx, found.discussion_pk, &to.to_ascii_lowercase()).await?;
    let thread_pk = thread_pk.ok_or_else(|| no_thread(num))?;
    let id = insert(app, &mut tx, (read.repo.pk, &found), author_pk, &text).await?;
    discussions::insert_reply(&mut tx, &id, thread_pk).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(id)
}

/// Settles the thread of a comment, or takes that back, which the timeline tells. Saying it twice changes nothing.
///
/// # Errors
/// 401 or 403 for those who neither opened the pull request nor may write, 404 for an unknown number or a comment that is in no thread.
pub async fn resolve(app: &App, read: &RepoRead, num: i64, comment: &str, resolved: bool) -> HubResult<()> {
    let user_pk = participant(read)?;
    let found = get_to_change(app, read, num).await?;
    check_unlocked(read, &found)?;
    let mut tx = app.begin().await?;
    lock(&mut tx, &found).await?;
    let thread_pk = discussions::find_thread(&mut *tx, found.discussion_pk, &comment.to_ascii_lowercase()).await?;
    let thread_pk = thread_pk.ok_or_else(|| no_thread(num))?;
    let settled = discussions::set_resolved(&mut tx, thread_pk, resolved.then_some(user_pk)).await?;
    // A discussion that is full, or was changed too often, tells of nothing more, but its threads are settled all the same.
    if let Some(settled) = settled
        && has_room(&mut tx, &found).await?
    {
        let payload = json!({ "resolved": resolved, "thread": settled.comment, "path": settled.path });
        discussions::insert_change(&mut tx, found.discussion_pk, Some(user_pk), "thread-change", payload).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn no_thread(num: i64) -> HubError {
    HubError::not_found(format!("There is no such comment on a line in #{num}."))
}

/// Finds a line in what a pull request changes.
async fn look(app: &App, repo: &Repo, found: &Discussion, spot: &Spot) -> HubResult<Looked> {
    let (head, onto, _) = ends(app, repo, found).await?;
    let commit = spot.commit.unwrap_or(head);
    let was_head = commit != head && discussions::was_head(&app.pool, found.discussion_pk, commit).await?;
    let (num, spot) = (found.num, spot.clone());
    let work = move |reader: &GitReader| {
        let is_of_it = commit == head
            || (reader.contains(commit)?
                && (was_head || reader.log_between(onto, head, MAX_COMMITS)?.iter().any(|info| info.oid == commit)));
        if !is_of_it {
            return Ok(Err(HubError::conflict(format!("This commit is not among those of #{num} any more: look at it anew."))));
        }
        let parted = reader.merge_base(onto, commit)?.unwrap_or(onto);
        let (changes, _) = reader.changed_files(Some(parted), Some(commit), MAX_FILES)?;
        let Some(change) = changes.iter().find(|change| side_of(change, spot.side).is_some_and(|side| side.path == spot.path))
        else {
            return Ok(Err(HubError::bad_request(format!("This file is not among those that #{num} changes."))));
        };
        Ok(match lines_of(reader, change)? {
            Ok(diff) => looked(change, commit, &diff, &spot).ok_or_else(|| {
                HubError::bad_request("This line is not among those that are shown: choose one of the changes, or beside them.")
            }),
            Err(error) => Err(error),
        })
    };
    reading::read(app, repo, work).await?
}

fn side_of(change: &FileChange, side: DiffSide) -> Option<&FileSide> {
    match side {
        DiffSide::Old => change.old.as_ref(),
        DiffSide::New => change.new.as_ref(),
    }
}

/// The lines that a change is shown as.
fn lines_of(reader: &GitReader, change: &FileChange) -> hub_git::Result<HubResult<String>> {
    let refuse = |why: &str| Ok(Err(HubError::bad_request(format!("Lines of this file are not shown: {why}."))));
    if [&change.old, &change.new].into_iter().flatten().any(|side| side.lfs.is_some()) {
        return refuse("it is stored with Git LFS");
    }
    match reader.text_diff(change, MAX_FILE_BYTES)? {
        TextDiff::Hunks { text, .. } => Ok(Ok(text)),
        TextDiff::Binary => refuse("it is not text"),
        TextDiff::TooLarge => refuse("it is too large"),
    }
}

fn looked(change: &FileChange, commit: Oid, diff: &str, spot: &Spot) -> Option<Looked> {
    let snippet = excerpt(diff, |row| spot.is_at(row), LINES_BEFORE, MAX_LINE_CHARS)?;
    let blob = |side: &Option<FileSide>| side.as_ref().map(|side| side.oid);
    Some(Looked { commit, old_blob: blob(&change.old), new_blob: blob(&change.new), snippet })
}

/// A thread at a line.
#[derive(Debug, Clone)]
pub struct Thread {
    /// What is kept of it.
    pub row: ThreadRow,
    /// The number of its line in the pull request as it is now; `None` when the line has changed or is gone.
    pub now: Option<u64>,
}

/// Which comments of a discussion stand at lines.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    /// The threads, in order.
    pub threads: Vec<Thread>,
    /// By the id of a comment, in which of them it is.
    places: HashMap<String, usize>,
}

impl Remarks {
    /// Reads them, and finds their lines again.
    pub(super) async fn of(app: &App, repo: &Repo, discussion: &Discussion, pull: Option<&PullState>) -> HubResult<Self> {
        let Some(pull) = pull else { return Ok(Self::default()) };
        let rows = discussions::list_threads(&app.pool, discussion.discussion_pk).await?;
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let mut places: HashMap<String, usize> =
            rows.iter().enumerate().map(|(index, row)| (row.comment.clone(), index)).collect();
        for reply in discussions::list_replies(&app.pool, discussion.discussion_pk).await? {
            if let Some(index) = places.get(&reply.thread).copied() {
                places.insert(reply.comment, index);
            }
        }
        let ends = (pull.parted, pull.head);
        let asked = rows.clone();
        let now = reading::read(app, repo, move |reader| find_again(reader, &asked, ends)).await?;
        let threads = rows.into_iter().zip(now).map(|(row, now)| Thread { row, now }).collect();
        Ok(Self { threads, places })
    }

    /// The thread that a comment is in.
    pub fn thread_of(&self, comment: &str) -> Option<&Thread> {
        self.threads.get(*self.places.get(comment)?)
    }
}

/// What became of a file since somebody said something about it.
enum Since {
    Same,
    Changed(Moves),
    Gone,
}

/// The numbers that lines have now, where the pull request and its branch parted, and at its head.
fn find_again(reader: &GitReader, rows: &[ThreadRow], (parted, head): (Oid, Oid)) -> hub_git::Result<Vec<Option<u64>>> {
    let mut known: HashMap<(DiffSide, &str, Oid), Since> = HashMap::new();
    let mut left = MAX_COMPARED_BYTES;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (commit, blob) = match row.side {
            DiffSide::Old => (parted, row.old_blob),
            DiffSide::New => (head, row.new_blob),
        };
        let (Some(blob), Ok(line)) = (blob, u64::try_from(row.line)) else {
            found.push(None);
            continue;
        };
        let since = match known.entry((row.side, row.path.as_str(), blob)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(since(reader, commit, &row.path, blob, &mut left)?),
        };
        found.push(match since {
            Since::Same => Some(line),
            Since::Changed(moves) => moves.find(line),
            Since::Gone => None,
        });
    }
    Ok(found)
}

fn since(reader: &GitReader, commit: Oid, path: &str, then: Oid, left: &mut usize) -> hub_git::Result<Since> {
    let entry = reader.entry_at(commit, path)?.filter(|entry| !entry.is_folder());
    let Some(entry) = entry else { return Ok(Since::Gone) };
    if entry.oid == then {
        return Ok(Since::Same);
    }
    // After a rewritten history, an old version may be in no pack any more. A submodule's is in another repository.
    if *left == 0 || entry.kind == EntryKind::Submodule || !reader.contains(then)? {
        return Ok(Since::Gone);
    }
    let (old, new) = match (reader.blob(then, MAX_FILE_BYTES), reader.blob(entry.oid, MAX_FILE_BYTES)) {
        // What was a submodule may have been at a commit of this repository.
        (Err(hub_git::Error::TooLarge { .. } | hub_git::Error::ObjectDamaged { .. }), _)
        | (_, Err(hub_git::Error::TooLarge { .. })) => return Ok(Since::Gone),
        (old, new) => (old?, new?),
    };
    *left = left.saturating_sub(old.len() + new.len());
    Ok(match TextDiff::between(&old, &new)? {
        TextDiff::Hunks { text, .. } => Since::Changed(Moves::of(&text)),
        TextDiff::Binary | TextDiff::TooLarge => Since::Gone,
    })
}

/// The lines that threads are about.
#[derive(Debug, Clone, Default)]
pub struct Snippets {
    /// Whether the viewer may download the files, and so see lines of them.
    pub are_open: bool,
    by_thread: HashMap<String, String>,
}

impl Snippets {
    /// The lines of a thread, as a diff; `None` of one whose comment is hidden or whose file was recalled, and for those who may not
    /// download the files.
    pub fn of(&self, thread: &str) -> Option<&str> {
        self.by_thread.get(thread).map(String::as_str)
    }
}

/// Reads the lines that the threads of a discussion are about, for a viewer who may download the files; nothing for others.
///
/// # Errors
/// The database does not answer.
pub async fn snippets(app: &App, read: &RepoRead, discussion: &Discussion) -> HubResult<Snippets> {
    if !discussion.is_pull_request() || read.barrier(app).await?.is_some() {
        return Ok(Snippets::default());
    }
    let rows = discussions::list_snippets(&app.pool, discussion.discussion_pk).await?;
    let blobs: Vec<Content> = rows.iter().flat_map(|row| [row.old_blob, row.new_blob]).flatten().map(Content::Blob).collect();
    let recalled = recalls::among(app, read.repo.pk, &blobs).await?;
    let is_recalled = |blob: Option<Oid>| blob.is_some_and(|blob| recalled.contains_key(&Content::Blob(blob)));
    let by_thread = rows
        .into_iter()
        .filter(|row| !is_recalled(row.old_blob) && !is_recalled(row.new_blob))
        .map(|row| (row.comment, row.snippet))
        .collect();
    Ok(Snippets { are_open: true, by_thread })
}
