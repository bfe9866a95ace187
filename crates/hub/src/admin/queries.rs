//! Statements that look over all repositories.

pub(super) mod backup;
pub(super) mod named;
pub(super) mod synth;

use hub_types::Oid;
use sqlx::PgPool;

/// The keys of some repositories after one, in order.
pub(super) async fn list_repos_after(pool: &PgPool, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select repo_pk from repos where deleted_at is null and repo_pk > $1 order by repo_pk limit $2",
        repo_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The packs of a repository with the sizes they were stored with.
pub(super) async fn list_pack_sizes(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Vec<(Oid, i64)>> {
    let rows = sqlx::query!(
        r#"select pack_hash as "hash: Oid", size_bytes from repo_packs join packs using (pack_hash) where repo_pk = $1"#,
        repo_pk
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hash, row.size_bytes)).collect())
}
