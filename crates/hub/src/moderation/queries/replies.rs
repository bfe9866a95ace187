//! Statements on canned replies. There are few.

use sqlx::{PgConnection, PgPool};

/// A canned reply.
#[derive(Debug, Clone)]
pub struct ReplyRow {
    /// The key.
    pub reply_pk: i64,
    /// Where it is offered.
    pub used_for: String,
    /// What moderators choose it by.
    pub title: String,
    /// What it says.
    pub body: String,
}

/// Lists all replies, by title.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<ReplyRow>> {
    sqlx::query_as!(
        ReplyRow,
        "select reply_pk, used_for, title, body from moderation_replies order by lower(title), reply_pk limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// Finds what a reply says that is offered there.
///
/// # Errors
/// The database does not answer.
pub async fn find_body(pool: &PgPool, reply_pk: i64, used_for: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select body from moderation_replies where reply_pk = $1 and used_for = $2", reply_pk, used_for)
        .fetch_optional(pool)
        .await
}

/// How many there are.
///
/// # Errors
/// The database does not answer.
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from moderation_replies"#).fetch_one(conn).await
}

/// Adds a reply.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, used_for: &str, title: &str, body: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into moderation_replies (used_for, title, body) values ($1, $2, $3)", used_for, title, body)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Changes a reply; `false` when it is gone.
///
/// # Errors
/// The database does not answer.
pub async fn update(pool: &PgPool, reply_pk: i64, title: &str, body: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update moderation_replies set title = $2, body = $3 where reply_pk = $1", reply_pk, title, body);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Removes a reply, if it is there.
///
/// # Errors
/// The database does not answer.
pub async fn delete(pool: &PgPool, reply_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from moderation_replies where reply_pk = $1", reply_pk).execute(pool).await.map(|_| ())
}
