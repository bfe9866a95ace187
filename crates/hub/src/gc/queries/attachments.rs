//! Statements on files that people added to comments.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// The sizes of attachments that no comment leads to, none that is hidden and may be shown again, and none of a deleted discussion that
/// can be restored, made before a moment.
pub(in crate::gc) async fn list_unused(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select size_bytes from attachments a where created_at < $1
         and not exists (select from needed_attachment_uses u where u.attachment_pk = a.attachment_pk)
         and not exists (select from deleted_discussions d where d.repo_pk = a.repo_pk
                         and d.contents -> 'uses' @> jsonb_build_array(jsonb_build_object('attachment_pk', a.attachment_pk)))",
        before
    )
    .fetch_all(pool)
    .await
}

/// Locks attachments that no comment leads to, made before a moment, from one key on: whoever writes such a comment waits. Those that
/// somebody has in hand stay for another time.
pub(in crate::gc) async fn lock_unused(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select attachment_pk from attachments a where created_at < $1 and attachment_pk > $2
         and not exists (select from needed_attachment_uses u where u.attachment_pk = a.attachment_pk)
         and not exists (select from deleted_discussions d where d.repo_pk = a.repo_pk
                         and d.contents -> 'uses' @> jsonb_build_array(jsonb_build_object('attachment_pk', a.attachment_pk)))
         order by attachment_pk limit $3 for update skip locked",
        before,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Removes locked attachments that still no comment leads to, and gives their sizes.
pub(in crate::gc) async fn delete_unused(conn: &mut PgConnection, locked: &[i64]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "delete from attachments a where attachment_pk = any($1)
         and not exists (select from needed_attachment_uses u where u.attachment_pk = a.attachment_pk)
         and not exists (select from deleted_discussions d where d.repo_pk = a.repo_pk
                         and d.contents -> 'uses' @> jsonb_build_array(jsonb_build_object('attachment_pk', a.attachment_pk)))
         returning size_bytes",
        locked
    )
    .fetch_all(conn)
    .await
}

/// Those of some ids that rows have.
pub(in crate::gc) async fn list_known(pool: &PgPool, ids: &[String]) -> sqlx::Result<HashSet<String>> {
    let found = sqlx::query_scalar!("select public_id from attachments where public_id = any($1)", ids).fetch_all(pool).await?;
    Ok(found.into_iter().collect())
}
