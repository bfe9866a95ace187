//! What is derived from a repository's default branch and stored with it, so that pages and lists never read git.
//!
//! - [`of_commit`] is the cheap part: the card, the small JSON files, names, count and total size. It is
//!   computed before the transaction that moves the branch, and [`store`]d in it.
//! - [`read_headers`] is the rest: a job that reads the headers of weight files by range.
//! - [`read_texts`] is a job, too: it tells a licence by its text, and the language of a card. With what `of_commit` found,
//!   [`inferred_of`] gives what the card leaves out; see docs/cards.md.

mod head;
mod headers;
mod inferred;
mod texts;

use hub_types::Oid;
use serde_json::Value;

pub use crate::repos::queries::derived::store;
pub use head::{Before, MAX_SIBLINGS, of_commit};
pub use headers::{awaits_headers, read_headers};
pub use inferred::inferred_of;
pub use texts::read_texts;

/// The derived columns of `repos`.
#[derive(Debug, Clone, Default)]
pub struct HeadMetadata {
    /// The commit they describe.
    pub head_oid: Option<Oid>,
    /// The card's front matter.
    pub card: Option<Value>,
    /// Tags in the Hub's form: `license:mit`, `en`, `transformers`, …
    pub tags: Vec<String>,
    /// The task.
    pub pipeline_tag: Option<String>,
    /// The library.
    pub library_name: Option<String>,
    /// How many files there are.
    pub file_count: i64,
    /// The size of all files, large ones with their real size.
    pub size_bytes: i64,
    /// The paths of the first files, at most [`MAX_SIBLINGS`].
    pub siblings: Vec<String>,
    /// Further facts by name.
    pub facts: Value,
    /// The words of the card, for search.
    pub text: String,
}
