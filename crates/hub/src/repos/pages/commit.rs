//! One commit and what it changed.

use std::ops::Range;

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_git::{ChangeStatus, FileChange, TextDiff};
use hub_types::Oid;

use super::BASES;
use super::context::{commit_summary, header_of, layout_of};
use super::view::{CommitSummary, RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::access::RepoContent;
use crate::repos::{Repo, reading};
use crate::web::extract::raw_param;
use crate::web::filters;
use crate::web::filters::size_text;
use crate::web::layout::Layout;

/// How many files of a commit are shown.
const MAX_FILES: usize = 200;
/// The largest file whose changes are shown, in bytes.
const MAX_FILE_BYTES: u64 = 512 * 1024;
/// How many lines of changes are shown, over all files.
const MAX_LINES: usize = 3_000;
/// From how many lines on a file's changes start folded.
const FOLDED_LINES: usize = 600;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/commit.html")]
pub(super) struct CommitPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The commit.
    pub commit: CommitSummary,
    /// Its message after the first line.
    pub body: String,
    /// What it was made from.
    pub parents: Vec<ParentLink>,
    /// Lines added in all files.
    pub additions: u64,
    /// Lines removed in all files.
    pub deletions: u64,
    /// The files it changed.
    pub files: Vec<FileDiff>,
    /// What was left out.
    pub truncated: Option<String>,
}

impl CommitPage {
    /// The heading of the list of files.
    pub(super) fn summary(&self) -> String {
        match self.files.len() {
            1 => "1 file changed".to_owned(),
            count => format!("{count} files changed"),
        }
    }
}

/// A commit's parent.
#[derive(Debug)]
pub(super) struct ParentLink {
    /// The start of its id.
    pub short: String,
    /// Its page.
    pub href: String,
}

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
    /// Its text.
    pub text: String,
}

impl DiffLine {
    /// The sign before the text.
    pub(super) fn mark(&self) -> &'static str {
        match self.kind {
            "added" => "+",
            "removed" => "−",
            _ => "",
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/commit/{{revision}}"), crate::web::read().to(show_commit));
    }
}

async fn show_commit(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let oid = reading::resolve(&page.app, repo, raw_param(page.http(), "revision")).await?;
    let info = reading::commit(&page.app, repo, oid).await?;
    let (header, _) = header_of(&page, &content, RepoTab::Files).await?;
    let (files, more) = diff(&page, repo, info.parents.first().copied(), oid, 0..MAX_FILES).await?;
    let parent = |oid: &Oid| {
        let oid = oid.to_hex();
        ParentLink { short: oid.chars().take(7).collect(), href: format!("{}/commit/{oid}", repo.path()) }
    };
    let cut = files.iter().any(|file| file.note.as_deref() == Some(LEFT_OUT));
    let shown = CommitPage {
        layout: layout_of(&page, repo, &info.title),
        commit: commit_summary(repo, &info),
        body: info.message.clone(),
        parents: info.parents.iter().map(parent).collect(),
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        truncated: (more || cut)
            .then(|| "This commit is large: not all of it is shown. Fetch it with git to see the rest.".to_owned()),
        files,
        header,
    };
    page.show(shown).await
}

/// Said of files whose changes did not fit.
const LEFT_OUT: &str = "Not shown: too many lines changed.";

/// Some of the files that differ between two commits, and whether there are more.
pub(super) async fn diff(
    page: &PageRequest,
    repo: &Repo,
    old: Option<Oid>,
    new: Oid,
    wanted: Range<usize>,
) -> HubResult<(Vec<FileDiff>, bool)> {
    reading::read(&page.app, repo, move |reader| {
        let (changes, more) = reader.changed_files(old, Some(new), wanted.end)?;
        let mut lines_left = MAX_LINES;
        let mut files = Vec::new();
        for change in changes.iter().skip(wanted.start) {
            let text = match (lines_left, has_pointer(change)) {
                (0, _) | (_, true) => None,
                _ => Some(reader.text_diff(change, MAX_FILE_BYTES)?),
            };
            let file = file_diff(change, text);
            lines_left = lines_left.saturating_sub(file.lines.len());
            files.push(file);
        }
        Ok((files, more))
    })
    .await
}

fn has_pointer(change: &FileChange) -> bool {
    [&change.old, &change.new].into_iter().flatten().any(|side| side.lfs.is_some())
}

fn file_diff(change: &FileChange, text: Option<TextDiff>) -> FileDiff {
    let path_of = |side: &Option<hub_git::FileSide>| side.as_ref().map(|side| side.path.clone());
    let (old_path, new_path) = (path_of(&change.old), path_of(&change.new));
    let renamed = change.status == ChangeStatus::Renamed;
    let mut file = FileDiff {
        status: match change.status {
            ChangeStatus::Added => "Added",
            ChangeStatus::Deleted => "Deleted",
            ChangeStatus::Modified => "Changed",
            ChangeStatus::Renamed => "Renamed",
        },
        path: new_path.or_else(|| old_path.clone()).unwrap_or_default(),
        old_path: old_path.filter(|_| renamed),
        additions: 0,
        deletions: 0,
        open: true,
        note: None,
        lines: Vec::new(),
    };
    match text {
        Some(TextDiff::Hunks { text, added, removed }) => {
            file.additions = u64::try_from(added).unwrap_or(0);
            file.deletions = u64::try_from(removed).unwrap_or(0);
            file.lines = diff_lines(&text);
            file.open = file.lines.len() <= FOLDED_LINES;
            if file.lines.is_empty() {
                file.note = Some(if renamed { "Moved without a change.".to_owned() } else { "No lines changed.".to_owned() });
            }
            if file.lines.len() > MAX_LINES {
                file.lines.clear();
                file.note = Some(LEFT_OUT.to_owned());
            }
        }
        Some(TextDiff::Binary) => file.note = Some(format!("A binary file{}.", sizes(change))),
        Some(TextDiff::TooLarge) => file.note = Some(format!("Too large to compare here{}.", sizes(change))),
        None if has_pointer(change) => file.note = Some(format!("Stored with Git LFS{}.", sizes(change))),
        None => file.note = Some(LEFT_OUT.to_owned()),
    }
    file
}

/// `, 1 MB → 2 MB`.
fn sizes(change: &FileChange) -> String {
    let size = |side: &Option<hub_git::FileSide>| side.as_ref().map(|side| size_text(side.size));
    match (size(&change.old), size(&change.new)) {
        (Some(old), Some(new)) if old != new => format!(", {old} → {new}"),
        (Some(size), _) | (None, Some(size)) => format!(", {size}"),
        (None, None) => String::new(),
    }
}

/// Numbers the lines of a unified diff.
fn diff_lines(text: &str) -> Vec<DiffLine> {
    let (mut old, mut new) = (0_u64, 0_u64);
    let mut lines = Vec::new();
    for line in text.lines() {
        let step = |number: &mut u64| {
            let shown = number.to_string();
            *number += 1;
            shown
        };
        let (kind, old_number, new_number, text) = match line.split_at_checked(1) {
            Some(("@", _)) => {
                (old, new) = hunk_start(line);
                ("hunk", String::new(), String::new(), line)
            }
            Some(("+", rest)) => ("added", String::new(), step(&mut new), rest),
            Some(("-", rest)) => ("removed", step(&mut old), String::new(), rest),
            Some((" ", rest)) => ("context", step(&mut old), step(&mut new), rest),
            // `\ No newline at end of file`
            _ => ("hunk", String::new(), String::new(), line),
        };
        lines.push(DiffLine { kind, old_number, new_number, text: text.to_owned() });
    }
    lines
}

/// The first numbers of `@@ -12,3 +14,5 @@`.
fn hunk_start(line: &str) -> (u64, u64) {
    let number = |sign: char| {
        let text = line.split(sign).nth(1).unwrap_or_default();
        text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(1)
    };
    (number('-'), number('+'))
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
        assert_eq!(lines.last().unwrap().text, "more");
    }
}
