//! The public page of a user or an organisation.

use askama::Template;

use crate::repos::pages::view::RepoColumn;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "accounts/profile.html")]
pub struct ProfilePage {
    /// The frame.
    pub layout: Layout,
    /// The name in addresses.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// What they say about themselves.
    pub details: String,
    /// The shape of the avatar.
    pub avatar_class: &'static str,
    /// Where the viewer may change this.
    pub settings_href: Option<String>,
    /// The text of that link.
    pub settings_label: &'static str,
    /// For a user: the organisations.
    pub organizations: Vec<String>,
    /// For an organisation: the members.
    pub members: Vec<MemberFace>,
    /// Whether the viewer may make repositories here.
    pub can_create: bool,
    /// The repositories by kind.
    pub columns: Vec<RepoColumn>,
}

/// A member of an organisation.
#[derive(Debug)]
pub struct MemberFace {
    /// The user name.
    pub name: String,
    /// The role.
    pub role: &'static str,
}

impl ProfilePage {
    /// The heading.
    pub fn display_name(&self) -> &str {
        if self.fullname.is_empty() { &self.name } else { &self.fullname }
    }

    /// The heading of the faces.
    pub fn member_label(&self) -> String {
        match self.members.len() {
            1 => "1 member".to_owned(),
            count => format!("{count} members"),
        }
    }

    /// Whether there is nothing to show.
    pub fn is_bare(&self) -> bool {
        self.columns.iter().all(|column| column.repos.is_empty())
    }
}
