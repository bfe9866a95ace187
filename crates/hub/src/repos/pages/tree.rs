//! The files of a folder.

use askama::Template;
use hub_cards::SafeHtml;

use super::view::{CommitSummary, Crumb, RepoHeader, RevisionPicker};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/tree.html")]
pub struct TreePage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The menu of revisions.
    pub picker: RevisionPicker,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// The history of this folder.
    pub history_href: String,
    /// The last commit that touched this folder.
    pub latest: Option<CommitSummary>,
    /// The files and folders of this page.
    pub entries: Vec<TreeEntry>,
    /// The folder's README.
    pub readme: Option<SafeHtml>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// A file or folder.
#[derive(Debug)]
pub struct TreeEntry {
    /// Its name in this folder.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The size of a file; a large file's real size.
    pub size_bytes: Option<u64>,
    /// Whether git holds only a pointer to it.
    pub lfs: bool,
    /// Its bytes.
    pub download_href: Option<String>,
    /// The last commit that touched it.
    pub last_commit: Option<CommitSummary>,
}

impl TreeEntry {
    /// The icon.
    pub fn icon(&self) -> &'static str {
        if self.is_folder { "folder" } else { "file" }
    }

    /// The classes of the icon.
    pub fn icon_class(&self) -> &'static str {
        if self.is_folder { "icon icon-folder" } else { "icon" }
    }
}
