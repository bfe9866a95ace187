//! Branches and tags.

use askama::Template;
use chrono::{DateTime, Utc};

use super::view::RepoHeader;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/refs.html")]
pub struct RefsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// Branches, tags.
    pub groups: Vec<RefGroup>,
}

/// Refs of one sort.
#[derive(Debug)]
pub struct RefGroup {
    /// The heading.
    pub title: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// What to say when there are none.
    pub empty: &'static str,
    /// The refs.
    pub refs: Vec<RefItem>,
}

/// A branch or tag.
#[derive(Debug)]
pub struct RefItem {
    /// The short name.
    pub name: String,
    /// The full name.
    pub full_name: String,
    /// The files there.
    pub href: String,
    /// The start of the commit's id.
    pub short: String,
    /// The commit's page.
    pub commit_href: String,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// Whether it is the default branch.
    pub is_default: bool,
    /// Whether the viewer may delete it.
    pub deletable: bool,
}
