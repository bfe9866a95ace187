//! What is derived from a repository's default branch and stored with it, so that pages and lists never read git.
//!
//! - [`of_commit`] is the cheap part: the card, the small JSON files, names, count and total size. It is
//!   computed before the transaction that moves the branch, and [`keep`] writes it in it.
//! - [`read_headers`] is the rest: a job that reads the headers of weight files by range.
//! - [`read_texts`] is a job, too: it tells a licence by its text, and the language of a card. With what `of_commit` found,
//!   [`inferred_of`] gives what the card leaves out; see docs/cards.md.
//! - [`derive_again`] does all of it for what an older program has derived.

mod again;
mod head;
mod headers;
mod inferred;
mod texts;
mod weights;

use hub_types::Oid;
use serde_json::Value;
use sqlx::PgConnection;

use crate::jobs::Job;
use crate::repos::queries::derived;

pub use again::{ask_again, derive_again};
pub use head::{Before, MAX_SIBLINGS, of_commit};
pub use headers::{awaits_headers, read_headers};
pub use inferred::inferred_of;
pub use texts::{card_text, read_texts};

/// The version of the rules. A higher one makes hubs derive again what repositories have from the rules before, in the background.
pub const VERSION: i32 = 4;

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
    /// The rows of a dataset, as its card counts them; zero when it does not.
    pub num_rows: i64,
    /// The paths of the first files, at most [`MAX_SIBLINGS`].
    pub siblings: Vec<String>,
    /// Further facts by name.
    pub facts: Value,
    /// The words of the card, for search.
    pub text: String,
}

/// Writes the columns, and enqueues the jobs that read what takes longer and has changed. Gives the number of the state of
/// the repository's packs, which is a new one with `new_packs`.
///
/// # Errors
/// The database does not answer.
pub async fn keep(conn: &mut PgConnection, repo_pk: i64, metadata: &HeadMetadata, new_packs: bool) -> sqlx::Result<i64> {
    let stored = derived::store(conn, repo_pk, metadata, new_packs).await?;
    if stored.headers {
        Job::ReadHeaders { repo_pk }.enqueue(conn).await?;
    }
    if stored.texts {
        Job::ReadTexts { repo_pk }.enqueue(conn).await?;
    }
    if stored.sketch {
        Job::SketchWeights { repo_pk }.enqueue(conn).await?;
    }
    Ok(stored.generation)
}
