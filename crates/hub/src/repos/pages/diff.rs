//! What differs between two versions of files, line by line.

mod words;

use std::collections::HashSet;
use std::ops::Range;

use hub_git::{ChangeStatus, Entry, FileChange, FileSide, GitReader, TextDiff};
use hub_types::Oid;

use super::view::SnippetPart;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::fetches::Content;
use crate::recalls;
use crate::repos::diff_lines::{LineKind, MAX_FILE_BYTES, MAX_FILES, Numbered, numbered};
use crate::repos::{Repo, reading};
use crate::web::filters::size_text;

/// How many lines of changes are shown, over all files.
const MAX_LINES: usize = 3_000;
/// From how many lines on a file's changes start folded.
const FOLDED_LINES: usize = 600;
/// Said of files whose changes did not fit.
pub(super) const LEFT_OUT: &str = "Not shown: too many lines changed.";

/// Said of files that were recalled.
const RECALLED: &str = "Not shown: this file was recalled.";

/// What a commit did to a file.
#[derive(Debug)]
pub(super) struct FileDiff {
    /// `Added`, `Deleted`, `Renamed`, `Changed`.
    pub status: &'static str,
    /// The path before, when it was another.
    pub old_path: Option<String>,
    /// The path.
    pub path: String,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// Whether the lines are shown at once.
    pub open: bool,
    /// Why there are no lines.
    pub note: Option<String>,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a diff.
#[derive(Debug)]
pub(super) struct DiffLine {
    /// `hunk`, `context`, `added`, `removed`.
    pub kind: &'static str,
    /// Its number before.
    pub old_number: String,
    /// Its number after.
    pub new_number: String,
    /// Its text; where a line was exchanged for another, what is different is marked.
    pub parts: Vec<SnippetPart>,
}

impl DiffLine {
    fn of(line: &Numbered<'_>) -> Self {
        let kind = match line.kind {
            LineKind::Hunk | LineKind::Note => "hunk",
            LineKind::Context => "context",
            LineKind::Added => "added",
            LineKind::Removed => "removed",
        };
        let shown = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let (old_number, new_number) = (shown(line.old_number()), shown(line.new_number()));
        Self { kind, old_number, new_number, parts: vec![plain(line.text)] }
    }

    /// The sign before the text.
    pub(super) fn mark(&self) -> &'static str {
        match self.kind {
            "added" => "+",
            "removed" => "−",
            _ => "",
        }
    }
}

/// Some of the files that differ between two commits.
#[derive(Debug, Default)]
pub(super) struct DiffPage {
    /// The files.
    pub files: Vec<FileDiff>,
    /// Whether others come after them.
    pub has_next: bool,
    /// Whether nothing comes after them though more files differ: they are too many.
    pub is_cut: bool,
}

/// Which page of so many files is asked for, from 0; at most the last that may have any.
pub(super) fn page_number(text: &str, page_len: usize) -> usize {
    text.parse::<usize>().unwrap_or(0).min((MAX_FILES - 1) / page_len)
}

/// Some of the files that differ between two commits.
pub(super) async fn diff(
    page: &PageRequest,
    repo: &Repo,
    old: Option<Oid>,
    new: Oid,
    wanted: Range<usize>,
) -> HubResult<DiffPage> {
    let recalled = recalled_sides(page, repo, (old, new), wanted.clone()).await?;
    reading::read(&page.app, repo, move |reader| {
        let (changes, more) = reader.changed_files(old, Some(new), MAX_FILES)?;
        let has_next = changes.len() > wanted.end;
        let mut lines_left = MAX_LINES;
        let mut files = Vec::new();
        for change in changes.iter().take(wanted.end).skip(wanted.start) {
            let is_recalled = sides(change).any(|side| recalled.contains(&side.oid));
            let text = match (lines_left, has_pointer(change) || is_recalled) {
                (0, _) | (_, true) => None,
                _ => Some(reader.text_diff(change, MAX_FILE_BYTES)?),
            };
            let mut file = file_diff(change, text);
            if is_recalled {
                file.note = Some(RECALLED.to_owned());
            }
            lines_left = lines_left.saturating_sub(file.lines.len());
            files.push(file);
        }
        Ok(DiffPage { files, has_next, is_cut: more && !has_next })
    })
    .await
}

/// The blobs that were recalled, of files that differ.
async fn recalled_sides(
    page: &PageRequest,
    repo: &Repo,
    (old, new): (Option<Oid>, Oid),
    wanted: Range<usize>,
) -> HubResult<HashSet<Oid>> {
    if !recalls::any(&page.app) {
        return Ok(HashSet::new());
    }
    let (changes, _) = reading::read(&page.app, repo, move |reader| reader.changed_files(old, Some(new), MAX_FILES)).await?;
    let changes = changes.iter().take(wanted.end).skip(wanted.start);
    let blobs: Vec<Content> = changes.flat_map(sides).map(|side| Content::Blob(side.oid)).collect();
    let found = recalls::among(&page.app, repo.pk, &blobs).await?;
    Ok(found.into_keys().filter_map(|content| if let Content::Blob(oid) = content { Some(oid) } else { None }).collect())
}

fn sides(change: &FileChange) -> impl Iterator<Item = &FileSide> {
    [&change.old, &change.new].into_iter().flatten()
}

fn has_pointer(change: &FileChange) -> bool {
    sides(change).any(|side| side.lfs.is_some())
}

fn file_diff(change: &FileChange, text: Option<TextDiff>) -> FileDiff {
    let path_of = |side: &Option<FileSide>| side.as_ref().map(|side| side.path.clone());
    let (old_path, new_path) = (path_of(&change.old), path_of(&change.new));
    let status = match change.status {
        ChangeStatus::Added => "Added",
        ChangeStatus::Deleted => "Deleted",
        ChangeStatus::Modified => "Changed",
        ChangeStatus::Renamed => "Renamed",
    };
    let renamed = change.status == ChangeStatus::Renamed;
    let mut file = FileDiff::new(new_path.or_else(|| old_path.clone()).unwrap_or_default(), status);
    file.old_path = old_path.filter(|_| renamed);
    match text {
        Some(text @ TextDiff::Hunks { .. }) => {
            file.take_text(text, if renamed { "Moved without a change." } else { "No lines changed." });
        }
        Some(TextDiff::Binary) => file.note = Some(format!("A binary file{}.", sizes(change))),
        Some(TextDiff::TooLarge) => file.note = Some(format!("Too large to compare here{}.", sizes(change))),
        None if has_pointer(change) => file.note = Some(format!("Stored with Git LFS{}.", sizes(change))),
        None => file.note = Some(LEFT_OUT.to_owned()),
    }
    file
}

impl FileDiff {
    fn new(path: String, status: &'static str) -> Self {
        Self { status, old_path: None, path, additions: 0, deletions: 0, open: true, note: None, lines: Vec::new() }
    }

    fn take_text(&mut self, text: TextDiff, without_lines: &str) {
        let TextDiff::Hunks { text, added, removed } = text else {
            self.note = Some("This is not text.".to_owned());
            return;
        };
        self.additions = u64::try_from(added).unwrap_or(0);
        self.deletions = u64::try_from(removed).unwrap_or(0);
        self.lines = diff_lines(&text);
        self.open = self.lines.len() <= FOLDED_LINES;
        if self.lines.is_empty() {
            self.note = Some(without_lines.to_owned());
        }
        if self.lines.len() > MAX_LINES {
            self.lines.clear();
            self.note = Some(LEFT_OUT.to_owned());
        }
    }

    /// What stands in its place in the list of files.
    pub(super) fn sign(&self) -> &'static str {
        match self.status {
            "Added" => "A",
            "Deleted" => "D",
            "Renamed" => "R",
            _ => "M",
        }
    }
}

/// How a version of a file differs from what is there.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn blob_diff(page: &PageRequest, repo: &Repo, now: Option<&Entry>, then: &Entry) -> HubResult<FileDiff> {
    let side = |entry: &Entry| FileSide { path: entry.path.clone(), oid: entry.oid, mode: 0, size: entry.size, lfs: entry.lfs };
    let status = if now.is_some() { ChangeStatus::Modified } else { ChangeStatus::Added };
    let change = FileChange { status, old: now.map(side), new: Some(side(then)) };
    if has_pointer(&change) {
        return Ok(file_diff(&change, None));
    }
    let compare = move |reader: &GitReader| Ok(file_diff(&change, Some(reader.text_diff(&change, MAX_FILE_BYTES)?)));
    reading::read(&page.app, repo, compare).await
}

/// `, 1 MB → 2 MB`.
fn sizes(change: &FileChange) -> String {
    let size = |side: &Option<FileSide>| side.as_ref().map(|side| size_text(side.size));
    match (size(&change.old), size(&change.new)) {
        (Some(old), Some(new)) if old != new => format!(", {old} → {new}"),
        (Some(size), _) | (None, Some(size)) => format!(", {size}"),
        (None, None) => String::new(),
    }
}

/// Numbers the lines of a unified diff.
fn diff_lines(text: &str) -> Vec<DiffLine> {
    let mut lines: Vec<DiffLine> = numbered(text).iter().map(DiffLine::of).collect();
    words::mark(&mut lines);
    lines
}

/// The lines of a part of a diff, without heads.
pub(super) fn excerpt_lines(text: &str) -> Vec<DiffLine> {
    let mut lines = diff_lines(text);
    lines.retain(|line| line.kind != "hunk");
    lines
}

fn plain(text: &str) -> SnippetPart {
    SnippetPart { text: text.to_owned(), marked: false }
}

/// What a draft changes in a text.
///
/// # Errors
/// 500 when libgit2 fails.
pub(super) fn draft_diff(path: &str, old: &str, new: &str) -> HubResult<FileDiff> {
    let text = TextDiff::between(old.as_bytes(), new.as_bytes())?;
    let mut file = FileDiff::new(path.to_owned(), if old.is_empty() { "Added" } else { "Changed" });
    file.take_text(text, "No lines changed.");
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_diff_are_numbered() {
        let lines = diff_lines("@@ -4,2 +7,3 @@ fn x\n same\n-old\n+new\n+more\n");
        let shown: Vec<_> = lines.iter().map(|line| (line.kind, line.old_number.as_str(), line.new_number.as_str())).collect();
        assert_eq!(
            shown,
            [("hunk", "", ""), ("context", "4", "7"), ("removed", "5", ""), ("added", "", "8"), ("added", "", "9")]
        );
        assert_eq!(lines.last().unwrap().parts.last().unwrap().text, "more");
    }
}
