//! What is derived from a repository's default branch and stored with it, so that pages and lists never read git.
//!
//! - [`of_commit`] is the cheap part: the card, the small JSON files, names, count and total size. It is
//!   computed before the transaction that moves the branch, and [`store`]d in it.
//! - [`read_headers`] is the rest: a job that reads the headers of weight files by range.

mod head;
mod headers;

use hub_types::Oid;
use serde_json::Value;

pub use crate::repos::queries::derived::store;
pub use head::{Before, MAX_SIBLINGS, of_commit};
pub use headers::{awaits_headers, read_headers};

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
