//! Statements on who finds a collection good.

use sqlx::{PgConnection, PgPool};

/// Notes that somebody finds a collection good, or no longer, and gives the number of those who do.
///
/// # Errors
/// The database does not answer.
pub async fn set_upvote(conn: &mut PgConnection, collection_pk: i64, user_pk: i64, up: bool) -> sqlx::Result<i64> {
    let changed = match up {
        true => sqlx::query!(
            "insert into collection_upvotes (collection_pk, user_pk) values ($1, $2) on conflict do nothing",
            collection_pk,
            user_pk
        )
        .execute(&mut *conn)
        .await?
        .rows_affected(),
        false => sqlx::query!("delete from collection_upvotes where collection_pk = $1 and user_pk = $2", collection_pk, user_pk)
            .execute(&mut *conn)
            .await?
            .rows_affected(),
    };
    let step = i64::try_from(changed).unwrap_or(0) * if up { 1 } else { -1 };
    sqlx::query_scalar!(
        // The migration that made the column `trending` says what it is.
        "update collections c set upvotes = upvotes + $2, trending = (
             select round(1000000 * ln(power(2, extract(epoch from c.created_at - '2026-01-01 00:00:00Z') / 604800)
                 + coalesce(sum(power(2, extract(epoch from u.created_at - '2026-01-01 00:00:00Z') / 604800)), 0)) / ln(2))
             from collection_upvotes u where u.collection_pk = c.collection_pk)
         where c.collection_pk = $1 returning upvotes",
        collection_pk,
        step
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody finds a collection good.
///
/// # Errors
/// The database does not answer.
pub async fn has_upvoted(pool: &PgPool, collection_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from collection_upvotes where collection_pk = $1 and user_pk = $2) as "there!""#,
        collection_pk,
        user_pk
    )
    .fetch_one(pool)
    .await
}
