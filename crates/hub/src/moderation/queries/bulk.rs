//! Statements on acts that were done at once.

use sqlx::PgPool;

use super::ActRow;

/// Gives a number for the acts of one submission, which nothing else has.
///
/// # Errors
/// The database does not answer.
pub async fn next_batch(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select nextval('moderation_batches') as "batch!""#).fetch_one(pool).await
}

/// Lists the acts of one submission, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list_batch(pool: &PgPool, batch: i64, limit: i64) -> sqlx::Result<Vec<ActRow>> {
    sqlx::query_as!(
        ActRow,
        r#"select act_pk, case_pk, moderator, act, owner_pk, subject, href, category, reason, created_at, batch,
                  exists (select from moderation_acts u where u.undoes = a.act_pk) as "undone!"
           from moderation_acts a where batch = $1 order by act_pk desc limit $2"#,
        batch,
        limit
    )
    .fetch_all(pool)
    .await
}

/// How many acts a submission has.
#[derive(Debug)]
pub struct SizeRow {
    /// Its number.
    pub batch: i64,
    /// How many.
    pub acts: i64,
}

/// Counts the acts of submissions.
///
/// # Errors
/// The database does not answer.
pub async fn count_batches(pool: &PgPool, batches: &[i64]) -> sqlx::Result<Vec<SizeRow>> {
    sqlx::query_as!(
        SizeRow,
        r#"select batch as "batch!", count(*) as "acts!" from moderation_acts where batch = any($1) group by batch"#,
        batches
    )
    .fetch_all(pool)
    .await
}
