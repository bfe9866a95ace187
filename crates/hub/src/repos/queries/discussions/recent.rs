//! What somebody has just opened: a form that is sent twice opens nothing twice.

use hub_types::{Oid, RefName};
use sqlx::PgExecutor;

/// The most pull requests that are looked at.
const MOST: i64 = 20;

/// A pull request, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentPull {
    /// Its number.
    pub num: i64,
    /// Its newest commit.
    pub oid: Oid,
}

/// The pull requests for a branch that somebody opened within the last minute and that go on, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_recent_pulls(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    author_pk: i64,
    base: &RefName,
) -> sqlx::Result<Vec<RecentPull>> {
    sqlx::query_as!(
        RecentPull,
        r#"select d.num, r.oid as "oid: Oid"
           from discussions d join refs r on r.repo_pk = d.repo_pk and r.name = 'refs/pr/' || d.num::text
           where d.repo_pk = $1 and d.author_pk = $2 and d.base = $3 and d.status in ('draft', 'open')
             and d.created_at > now() - interval '1 minute'
           order by d.num desc limit $4"#,
        repo_pk,
        author_pk,
        base.as_str(),
        MOST
    )
    .fetch_all(conn)
    .await
}

/// The draft of a title that somebody opened within the last minute.
///
/// # Errors
/// The database does not answer.
pub async fn find_recent_draft(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    author_pk: i64,
    title: &str,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select num from discussions
         where repo_pk = $1 and author_pk = $2 and title = $3 and base is not null and status = 'draft'
           and created_at > now() - interval '1 minute'
         order by num desc limit 1",
        repo_pk,
        author_pk,
        title
    )
    .fetch_optional(conn)
    .await
}
