//! Every statement on SSH keys.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// The seed of the host key: the one that is kept, else this one from now on.
///
/// # Errors
/// The database does not answer.
pub async fn insert_or_find_host_key(pool: &PgPool, fresh: &[u8]) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!(
        "insert into hub_secrets (name, value) values ('ssh_host_key', $1)
         on conflict (name) do update set name = excluded.name returning value",
        fresh
    )
    .fetch_one(pool)
    .await
}

/// A key on the settings page.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// The key of the row.
    pub key_pk: i64,
    /// The title its owner gave it.
    pub title: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The key as in a file `.pub`.
    pub public_key: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From which address.
    pub last_used_address: Option<String>,
}

/// The keys of an account, newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_keys(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "select key_pk, title, fingerprint, public_key, created_at, last_used_at, last_used_address from ssh_keys
         where user_pk = $1 order by key_pk desc",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// How many keys an account has.
///
/// # Errors
/// The database does not answer.
pub async fn count_keys(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from ssh_keys where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// Stores a key, and tells whether nobody had it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_key(
    conn: &mut PgConnection,
    user_pk: UserPk,
    title: &str,
    fingerprint: &str,
    public_key: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into ssh_keys (user_pk, title, fingerprint, public_key) values ($1, $2, $3, $4) on conflict (fingerprint) do nothing",
        user_pk,
        title,
        fingerprint,
        public_key
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Removes a key of an account, and tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_key(conn: &mut PgConnection, user_pk: UserPk, key_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from ssh_keys where user_pk = $1 and key_pk = $2", user_pk, key_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Whose a key is.
#[derive(Debug, Clone)]
pub struct OwnedKey {
    /// The key of the row.
    pub key_pk: i64,
    /// The account.
    pub user_pk: UserPk,
    /// Its title.
    pub title: String,
}

/// Finds whose a key is, by its fingerprint.
///
/// # Errors
/// The database does not answer.
pub async fn find_key(pool: &PgPool, fingerprint: &str) -> sqlx::Result<Option<OwnedKey>> {
    sqlx::query_as!(OwnedKey, "select key_pk, user_pk, title from ssh_keys where fingerprint = $1", fingerprint)
        .fetch_optional(pool)
        .await
}

/// Whether an account still has a key.
///
/// # Errors
/// The database does not answer.
pub async fn has_key(pool: &PgPool, user_pk: UserPk, key_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select key_pk from ssh_keys where key_pk = $1 and user_pk = $2", key_pk, user_pk);
    Ok(found.fetch_optional(pool).await?.is_some())
}

/// Notes that a key is in use, and from where, at most once a minute.
///
/// # Errors
/// The database does not answer.
pub async fn note_use(pool: &PgPool, key_pk: i64, address: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update ssh_keys set last_used_at = now(), last_used_address = $2
         where key_pk = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')",
        key_pk,
        address
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// An account whose key made a signature.
#[derive(Debug, Clone)]
pub struct SignerRow {
    /// The fingerprint of the key.
    pub fingerprint: String,
    /// The name of the account.
    pub name: String,
    /// Its mail address, which is confirmed.
    pub email: String,
}

/// The accounts of keys, by their fingerprints; only those whose address is confirmed.
///
/// # Errors
/// The database does not answer.
pub async fn list_signers(pool: &PgPool, fingerprints: &[String]) -> sqlx::Result<Vec<SignerRow>> {
    sqlx::query_as!(
        SignerRow,
        "select k.fingerprint, n.name, u.email from ssh_keys k join users u using (user_pk)
         join namespaces n on n.namespace_pk = u.user_pk
         where k.fingerprint = any($1) and u.email_confirmed_at is not null",
        fingerprints
    )
    .fetch_all(pool)
    .await
}
