//! The first page: what this is for strangers, what is new for members.

use askama::Template;

use crate::repos::pages::view::{RepoColumn, RepoSummary};
use crate::web::filters;
use crate::web::layout::Layout;

/// The page for people who are not logged in.
#[derive(Debug, Template)]
#[template(path = "site/home.html")]
pub struct HomePage {
    /// The frame.
    pub layout: Layout,
    /// The hub's own address.
    pub hub_url: String,
    /// What is new.
    pub columns: Vec<RepoColumn>,
}

/// The page for people who are.
#[derive(Debug, Template)]
#[template(path = "site/dashboard.html")]
pub struct DashboardPage {
    /// The frame.
    pub layout: Layout,
    /// The viewer's own repositories.
    pub own: Vec<RepoSummary>,
    /// The viewer's organisations.
    pub organizations: Vec<String>,
    /// Commands for somebody who has none yet.
    pub first_push: String,
    /// What is new.
    pub columns: Vec<RepoColumn>,
}
