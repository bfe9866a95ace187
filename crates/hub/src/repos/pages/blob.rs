//! One file.

use askama::Template;
use hub_cards::SafeHtml;

use super::view::{CommitSummary, Crumb, RepoHeader, RevisionPicker};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/blob.html")]
pub struct BlobPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The menu of revisions.
    pub picker: RevisionPicker,
    /// The way here.
    pub crumbs: Vec<Crumb>,
    /// The last commit that touched the file.
    pub latest: Option<CommitSummary>,
    /// The file's name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its size; a large file's real size.
    pub size_bytes: u64,
    /// How many lines are shown.
    pub line_count: Option<usize>,
    /// Where it is shown rendered.
    pub preview_href: Option<String>,
    /// Where its source is shown.
    pub source_href: Option<String>,
    /// Its text as it is.
    pub raw_href: String,
    /// Its bytes.
    pub download_href: String,
    /// Its history.
    pub history_href: String,
    /// For a large file: what the pointer says.
    pub lfs: Option<LfsPointerInfo>,
    /// The content.
    pub view: FileView,
}

/// How a file is shown.
#[derive(Debug)]
pub enum FileView {
    /// Lines of highlighted text.
    Code(Vec<SafeHtml>),
    /// Rendered Markdown.
    Markdown(SafeHtml),
    /// A picture at this address.
    Image(String),
    /// A sound at this address.
    Audio(String),
    /// A film at this address.
    Video(String),
    /// Not at all, and why.
    Note(String),
}

/// What git holds in the place of a large file.
#[derive(Debug)]
pub struct LfsPointerInfo {
    /// The SHA-256 of the bytes.
    pub sha256: String,
    /// Their number.
    pub size_bytes: u64,
    /// The size of the pointer.
    pub pointer_size_bytes: u64,
}
