//! Branches and tags with the time they last moved, for pages.

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName};
use sqlx::PgPool;

/// A branch or tag.
#[derive(Debug, Clone)]
pub struct NamedRefRow {
    /// The full name.
    pub name: RefName,
    /// The commit, or the tag object of an annotated tag.
    pub oid: Oid,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
}

/// The branches and tags of a repository, the last moved first, at most `limit`.
///
/// # Errors
/// The database does not answer.
pub async fn list_branches_and_tags(pool: &PgPool, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<NamedRefRow>> {
    sqlx::query_as!(
        NamedRefRow,
        r#"select name as "name: RefName", oid as "oid: Oid", updated_at from refs
           where repo_pk = $1 and (name like 'refs/heads/%' or name like 'refs/tags/%')
           order by updated_at desc, name limit $2"#,
        repo_pk,
        limit
    )
    .fetch_all(pool)
    .await
}
