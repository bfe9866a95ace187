//! One commit and what it changed.

use askama::Template;

use super::view::{CommitSummary, RepoHeader};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/commit.html")]
pub struct CommitPage {
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
    pub fn summary(&self) -> String {
        match self.files.len() {
            1 => "1 file changed".to_owned(),
            count => format!("{count} files changed"),
        }
    }
}

/// A commit's parent.
#[derive(Debug)]
pub struct ParentLink {
    /// The start of its id.
    pub short: String,
    /// Its page.
    pub href: String,
}

/// What a commit did to a file.
#[derive(Debug)]
pub struct FileDiff {
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
pub struct DiffLine {
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
    pub fn mark(&self) -> &'static str {
        match self.kind {
            "added" => "+",
            "removed" => "−",
            _ => "",
        }
    }
}
