//! Statements on copies of data that people asked for.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// A copy that somebody asked for.
#[derive(Debug, Clone)]
pub struct Export {
    /// The id that they see.
    pub public_id: String,
    /// Whose it is.
    pub user_pk: UserPk,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// Since when it can be downloaded.
    pub ready_at: Option<DateTime<Utc>>,
    /// How large it is.
    pub size_bytes: Option<i64>,
}

pub(crate) async fn list(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<Export>> {
    sqlx::query_as!(
        Export,
        "select public_id, user_pk, asked_at, ready_at, size_bytes from data_exports
         where user_pk = $1 order by export_pk desc limit 20",
        user_pk
    )
    .fetch_all(pool)
    .await
}

pub(crate) async fn was_asked_since(conn: &mut PgConnection, user_pk: UserPk, since: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from data_exports where user_pk = $1 and asked_at > $2) as "was!""#,
        user_pk,
        since
    )
    .fetch_one(conn)
    .await
}

pub(crate) async fn insert(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!("insert into data_exports (user_pk) values ($1) returning export_pk", user_pk).fetch_one(conn).await
}

pub(crate) async fn find_waiting(pool: &PgPool, export_pk: i64) -> sqlx::Result<Option<Export>> {
    sqlx::query_as!(
        Export,
        "select public_id, user_pk, asked_at, ready_at, size_bytes from data_exports where export_pk = $1 and ready_at is null",
        export_pk
    )
    .fetch_optional(pool)
    .await
}

pub(crate) async fn find_ready(pool: &PgPool, user_pk: UserPk, public_id: &str) -> sqlx::Result<Option<Export>> {
    sqlx::query_as!(
        Export,
        "select public_id, user_pk, asked_at, ready_at, size_bytes from data_exports
         where public_id = $2 and user_pk = $1 and ready_at is not null",
        user_pk,
        public_id
    )
    .fetch_optional(pool)
    .await
}

/// Notes that an archive is in the store, and tells whether that is news.
pub(crate) async fn mark_ready(conn: &mut PgConnection, export_pk: i64, size_bytes: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update data_exports set ready_at = now(), size_bytes = $2 where export_pk = $1 and ready_at is null",
        export_pk,
        size_bytes
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Forgets what became ready, or was asked for and never became ready, before these times.
pub(crate) async fn delete_old(pool: &PgPool, ready: DateTime<Utc>, asked: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from data_exports where asked_at < $2 and (ready_at is null or ready_at < $1)", ready, asked)
        .execute(pool)
        .await
        .map(|_| ())
}

/// Forgets those of a user.
pub(crate) async fn delete_of(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("delete from data_exports where user_pk = $1 returning public_id", user_pk).fetch_all(conn).await
}

/// The picture of a user.
pub(crate) async fn find_picture(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select content from pictures where namespace_pk = $1", user_pk).fetch_optional(pool).await
}
