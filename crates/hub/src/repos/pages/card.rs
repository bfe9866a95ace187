//! A repository's first page: its card and what is known about it.

use askama::Template;
use hub_cards::SafeHtml;

use super::view::RepoHeader;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/card.html")]
pub struct CardPage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// For a repository without files: how to fill it.
    pub quick_start: Option<QuickStart>,
    /// The card's text.
    pub card: Option<SafeHtml>,
    /// What is wrong with the card's metadata.
    pub card_warning: Option<String>,
    /// The column next to it.
    pub side: Side,
}

/// How to put files into an empty repository.
#[derive(Debug)]
pub struct QuickStart {
    /// Several ways to do the same.
    pub ways: Vec<Way>,
}

/// One way to do something on the command line.
#[derive(Debug)]
pub struct Way {
    /// Its name.
    pub title: &'static str,
    /// What it needs.
    pub text: &'static str,
    /// The commands.
    pub code: String,
}

/// Facts next to the card.
#[derive(Debug, Default)]
pub struct Side {
    /// Recent downloads.
    pub downloads: u64,
    /// The size of all files.
    pub size_bytes: u64,
    /// How many files there are.
    pub file_count: u64,
    /// What the weights hold.
    pub parameters: Option<Parameters>,
    /// How to load it.
    pub snippets: Vec<UseSnippet>,
    /// Everything else.
    pub facts: Vec<Fact>,
}

/// The parameters of a model.
#[derive(Debug)]
pub struct Parameters {
    /// All of them.
    pub total: u64,
    /// By number type, the most frequent first.
    pub shares: Vec<DtypeShare>,
}

/// The parameters of one number type.
#[derive(Debug)]
pub struct DtypeShare {
    /// `F32`, `BF16`, …
    pub dtype: String,
    /// How many.
    pub count: u64,
    /// Where its part of the bar starts, in percent.
    pub start: u64,
    /// How wide its part is, in percent.
    pub width: u64,
}

/// Code that loads the repository.
#[derive(Debug)]
pub struct UseSnippet {
    /// The icon.
    pub icon: &'static str,
    /// The tool.
    pub title: &'static str,
    /// The code.
    pub code: String,
}

/// A fact with one or more values.
#[derive(Debug)]
pub struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// The values.
    pub links: Vec<FactLink>,
}

/// A value, linked when there is somewhere to go.
#[derive(Debug)]
pub struct FactLink {
    /// The text.
    pub label: String,
    /// Where it leads.
    pub href: Option<String>,
}
