//! The page that says what went wrong and where to go from there.

use askama::Template;

use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "site/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// The status.
    pub status: u16,
    /// The heading.
    pub heading: &'static str,
    /// The sentence.
    pub message: String,
    /// Where to go.
    pub links: Vec<OnwardLink>,
    /// For failures of the hub: what to quote.
    pub request_id: Option<String>,
}

/// A way on.
#[derive(Debug)]
pub struct OnwardLink {
    /// Where it leads.
    pub href: String,
    /// Its text.
    pub label: &'static str,
}
