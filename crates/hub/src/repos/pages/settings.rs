//! What an owner changes about a repository: visibility, name, existence.

use askama::Template;

use super::view::RepoHeader;
use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/settings.html")]
pub struct RepoSettingsPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The new owner.
    pub new_owner: Field,
    /// Who may own it.
    pub owners: Vec<Choice>,
    /// The new name.
    pub new_name: Field,
    /// The id typed to confirm deletion.
    pub confirmation: Field,
}
