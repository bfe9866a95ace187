//! The history of a revision or of a path.

use askama::Template;

use super::view::{CommitSummary, Crumb, RepoHeader, RevisionPicker};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/commits.html")]
pub struct CommitsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The menu of revisions.
    pub picker: RevisionPicker,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// The commits by day.
    pub days: Vec<CommitDay>,
    /// Newer commits.
    pub previous: Option<String>,
    /// Older commits.
    pub next: Option<String>,
}

/// The commits of one day.
#[derive(Debug)]
pub struct CommitDay {
    /// The date.
    pub label: String,
    /// The commits.
    pub commits: Vec<CommitSummary>,
}
