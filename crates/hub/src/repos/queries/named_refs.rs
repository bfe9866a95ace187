//! Branches and tags with the time they last moved, for pages.

use chrono::{DateTime, Utc};
use hub_types::{Oid, RefName};
use sqlx::{PgExecutor, PgPool};

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

/// The ref beside which git cannot keep another: its name is the beginning of the other's, up to a slash, or the other way round.
///
/// # Errors
/// The database does not answer.
pub async fn find_blocking(conn: impl PgExecutor<'_>, repo_pk: i64, name: &RefName) -> sqlx::Result<Option<RefName>> {
    sqlx::query_scalar!(
        r#"select name as "name: RefName" from refs where repo_pk = $1
           and (starts_with(name, $2 || '/') or starts_with($2, name || '/')) order by name limit 1"#,
        repo_pk,
        name.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// A part of the refs of a repository that begin with a text: one ref first, then the last moved.
///
/// # Errors
/// The database does not answer.
pub async fn list_page(
    pool: &PgPool,
    repo_pk: i64,
    start: &str,
    first: &RefName,
    (offset, limit): (i64, i64),
) -> sqlx::Result<Vec<NamedRefRow>> {
    sqlx::query_as!(
        NamedRefRow,
        r#"select name as "name: RefName", oid as "oid: Oid", updated_at from refs
           where repo_pk = $1 and starts_with(name, $2)
           order by name = $3 desc, updated_at desc, name offset $4 limit $5"#,
        repo_pk,
        start,
        first.as_str(),
        offset,
        limit
    )
    .fetch_all(pool)
    .await
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
