//! Statements for looking at files: what was pushed, what changed in buckets, and who is told.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// Refs that moved.
#[derive(Debug)]
pub struct RefEventRow {
    /// The key; later ones of a repository are higher.
    pub event_pk: i64,
    /// Who moved them.
    pub actor_pk: Option<i64>,
    /// `{"ref", "old", "new"}` of each.
    pub refs: Option<Value>,
}

/// The last events of a repository in which refs moved, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_ref_events(conn: &mut PgConnection, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<RefEventRow>> {
    sqlx::query_as!(
        RefEventRow,
        "select event_pk, actor_pk, payload -> 'refs' as refs from events
         where repo_pk = $1 and payload ? 'refs' order by event_pk desc limit $2",
        repo_pk,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Who answers for a namespace: a user, or the admins of an organisation, twenty at most.
///
/// # Errors
/// The database does not answer.
pub async fn list_owners(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select user_pk as "user_pk!" from (
               select user_pk from users where user_pk = $1
               union select user_pk from organization_members
               where organization_pk = $1 and role = 'admin' and not is_locked_out(organization_pk, user_pk)) owners
           order by 1 limit 20"#,
        namespace_pk
    )
    .fetch_all(pool)
    .await
}

/// A path of a bucket that changed.
#[derive(Debug)]
pub struct DueRow {
    /// The key; later ones of a bucket are higher.
    pub due_pk: i64,
    /// The path.
    pub path: String,
    /// Who changed it.
    pub actor_pk: Option<i64>,
    /// Whether it changed just now.
    pub is_news: bool,
}

/// Notes that paths of a bucket changed, and has them looked at.
///
/// # Errors
/// The database does not answer.
pub async fn insert_due(conn: &mut PgConnection, repo_pk: i64, actor_pk: Option<i64>, paths: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into bucket_scans_due (repo_pk, path, actor_pk, is_news)
         select $1, changed.path, (select user_pk from users where user_pk = $2), true
         from unnest($3::text[]) with ordinality as changed (path, place) order by changed.place",
        repo_pk,
        actor_pk,
        paths
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Has all files of a bucket looked at, and those paths that something was found at, which may be gone; but for those that wait for it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_all_due(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into bucket_scans_due (repo_pk, path, is_news)
           select $1, found.path, false from (
               select path from bucket_files where repo_pk = $1
               union
               select issue ->> 'path' from repo_scans cross join jsonb_array_elements(issues) issue where repo_pk = $1) found
           where found.path is not null
             and not exists (select from bucket_scans_due d where d.repo_pk = $1 and d.path = found.path)
           order by found.path"#,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that a bucket changed while nobody looks at files: all of it is looked at when somebody does.
///
/// # Errors
/// The database does not answer.
pub async fn outdate(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update repo_scans set version = 0 where repo_pk = $1 and version <> 0", repo_pk).execute(conn).await.map(|_| ())
}

/// The paths of a bucket that changed first.
///
/// # Errors
/// The database does not answer.
pub async fn list_due(pool: &PgPool, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<DueRow>> {
    sqlx::query_as!(
        DueRow,
        "select due_pk, path, actor_pk, is_news from bucket_scans_due where repo_pk = $1 order by due_pk limit $2",
        repo_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Takes off the list what was looked at.
///
/// # Errors
/// The database does not answer.
pub async fn delete_due(conn: &mut PgConnection, keys: &[i64]) -> sqlx::Result<()> {
    sqlx::query!("delete from bucket_scans_due where due_pk = any($1)", keys).execute(conn).await.map(|_| ())
}
