//! Every statement on file locks.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A lock somebody holds on a file.
#[derive(Debug)]
pub(super) struct LockRow {
    pub lock_pk: i64,
    pub path: String,
    pub owner_pk: i64,
    pub owner: String,
    pub locked_at: DateTime<Utc>,
}

/// Locks a path; `None` when it is locked already.
pub(super) async fn insert_lock(pool: &PgPool, repo_pk: i64, path: &str, owner_pk: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into lfs_locks (repo_pk, path, owner_pk) values ($1, $2, $3) on conflict do nothing returning lock_pk",
        repo_pk,
        path,
        owner_pk
    )
    .fetch_optional(pool)
    .await
}

pub(super) async fn find_lock(pool: &PgPool, repo_pk: i64, lock_pk: i64) -> sqlx::Result<Option<LockRow>> {
    sqlx::query_as!(
        LockRow,
        "select lock_pk, path, owner_pk, n.name as owner, locked_at
         from lfs_locks join namespaces n on n.namespace_pk = owner_pk where repo_pk = $1 and lock_pk = $2",
        repo_pk,
        lock_pk
    )
    .fetch_optional(pool)
    .await
}

/// Lists locks after a key, perhaps of one path only.
pub(super) async fn list_locks(
    pool: &PgPool,
    repo_pk: i64,
    path: Option<&str>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<LockRow>> {
    sqlx::query_as!(
        LockRow,
        "select lock_pk, path, owner_pk, n.name as owner, locked_at
         from lfs_locks join namespaces n on n.namespace_pk = owner_pk
         where repo_pk = $1 and ($2::text is null or path = $2) and lock_pk > $3 order by lock_pk limit $4",
        repo_pk,
        path,
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn delete_lock(pool: &PgPool, lock_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from lfs_locks where lock_pk = $1", lock_pk).execute(pool).await.map(|_| ())
}
