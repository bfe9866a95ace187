//! Statements on pictures of users and organisations.

use sqlx::{PgConnection, PgPool};

/// All names with a picture, and its version.
///
/// # Errors
/// The database does not answer.
pub async fn list_versions(pool: &PgPool) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!("select name, version from pictures join namespaces using (namespace_pk)").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.version)).collect())
}

/// The content of a version of somebody's picture.
///
/// # Errors
/// The database does not answer.
pub async fn find_picture(pool: &PgPool, name: &str, version: &str) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select content from pictures join namespaces using (namespace_pk)
         where namespace_pk = (select namespace_called($1)) and version = $2 and kind <> 'deleted'",
        name,
        version
    )
    .fetch_optional(pool)
    .await
}

/// Keeps a picture in place of the one before.
///
/// # Errors
/// The database does not answer.
pub async fn replace_picture(conn: &mut PgConnection, namespace_pk: i64, version: &str, content: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into pictures (namespace_pk, version, content) values ($1, $2, $3)
         on conflict (namespace_pk) do update set version = excluded.version, content = excluded.content",
        namespace_pk,
        version,
        content
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes a picture.
///
/// # Errors
/// The database does not answer.
pub async fn delete_picture(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from pictures where namespace_pk = $1", namespace_pk).execute(conn).await.map(|_| ())
}

/// Tells all nodes, when the transaction ends, that pictures changed.
///
/// # Errors
/// The database does not answer.
pub async fn notify(conn: &mut PgConnection, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(conn).await.map(|_| ())
}
