//! `/models`, `/datasets` and `/spaces`.

use askama::Template;
use hub_types::RepoType;

use super::view::RepoSummary;
use crate::web::filters;
use crate::web::form::Choice;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/list.html")]
pub struct ListPage {
    /// The frame.
    pub layout: Layout,
    /// What is listed.
    pub kind: RepoType,
    /// Its icon.
    pub icon: &'static str,
    /// The heading.
    pub title: &'static str,
    /// The page that makes one.
    pub new_path: &'static str,
    /// The button that leads there.
    pub new_label: &'static str,
    /// The choices on the left.
    pub filters: Vec<Filter>,
    /// The choices made.
    pub active: Vec<ActiveFilter>,
    /// The words searched for.
    pub search: String,
    /// The repositories of this page.
    pub repos: Vec<RepoSummary>,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// A choice to narrow the list.
#[derive(Debug)]
pub struct Filter {
    /// Its key in the address.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The values.
    pub options: Vec<Choice>,
}

/// A choice made, and the address without it.
#[derive(Debug)]
pub struct ActiveFilter {
    /// Its text.
    pub label: String,
    /// The list without it.
    pub href: String,
}
