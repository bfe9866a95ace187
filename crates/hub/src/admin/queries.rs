//! Statements that look over all repositories.

pub(super) mod synth;

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
