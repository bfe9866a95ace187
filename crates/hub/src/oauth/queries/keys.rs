//! Statements on the keys that sign ID tokens.

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// The key that signs.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub kid: String,
    /// Its private half, as PKCS #1.
    pub private_pem: String,
}

/// Finds the key that signs.
///
/// # Errors
/// The database does not answer.
pub async fn find_current(pool: &PgPool) -> sqlx::Result<Option<Key>> {
    sqlx::query_as!(Key, "select kid, private_pem from oauth_keys where retired_at is null").fetch_optional(pool).await
}

/// Keeps a key, unless another node has just kept one.
///
/// # Errors
/// The database does not answer.
pub async fn insert_key(conn: impl PgExecutor<'_>, key: &Key, public_jwk: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oauth_keys (kid, private_pem, public_jwk) values ($1, $2, $3) on conflict do nothing",
        key.kid,
        key.private_pem,
        public_jwk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The public halves of the key that signs and of those that did so lately.
///
/// # Errors
/// The database does not answer.
pub async fn list_public(pool: &PgPool) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        "select public_jwk from oauth_keys where retired_at is null or retired_at > now() - interval '1 day'
         order by created_at desc"
    )
    .fetch_all(pool)
    .await
}

/// Whether the key that signs has done so for long, or has a shorter modulus than this.
///
/// # Errors
/// The database does not answer.
pub async fn is_over(pool: &PgPool, days: i32, modulus_letters: i32) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select kid from oauth_keys where retired_at is null
         and (created_at < now() - make_interval(days => $1) or length(public_jwk ->> 'n') < $2)",
        days,
        modulus_letters
    );
    Ok(found.fetch_optional(pool).await?.is_some())
}

/// Retires that key, and forgets those of which nothing is valid any more: an ID token lasts an hour.
///
/// # Errors
/// The database does not answer.
pub async fn retire(conn: &mut PgConnection, days: i32, modulus_letters: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update oauth_keys set retired_at = now() where retired_at is null
         and (created_at < now() - make_interval(days => $1) or length(public_jwk ->> 'n') < $2)",
        days,
        modulus_letters
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from oauth_keys where retired_at < now() - interval '1 day'").execute(conn).await.map(|_| ())
}
