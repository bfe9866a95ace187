//! Every statement on GPG keys.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// A key on the settings page.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    /// The key of the row.
    pub key_pk: i64,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its parts.
    pub parts: Value,
    /// The addresses that it names.
    pub emails: Vec<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The keys of an account, newest first.
pub(super) async fn list_keys(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "select key_pk, fingerprint, parts, emails, created_at from gpg_keys where user_pk = $1 order by key_pk desc",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// How many keys an account has.
pub(super) async fn count_keys(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from gpg_keys where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// A key to be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewKey<'a> {
    pub fingerprint: &'a str,
    pub parts: &'a Value,
    pub emails: &'a [String],
    pub public_key: &'a [u8],
}

/// Replaces what is kept of a key, and tells whether the account had it.
pub(super) async fn update_key(conn: &mut PgConnection, user_pk: UserPk, key: &NewKey<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update gpg_keys set parts = $3, emails = $4, public_key = $5, updated_at = clock_timestamp()
         where user_pk = $1 and fingerprint = $2",
        user_pk,
        key.fingerprint,
        key.parts,
        key.emails,
        key.public_key
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Stores a key that the account does not have.
pub(super) async fn insert_key(conn: &mut PgConnection, user_pk: UserPk, key: &NewKey<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into gpg_keys (user_pk, fingerprint, parts, emails, public_key) values ($1, $2, $3, $4, $5)",
        user_pk,
        key.fingerprint,
        key.parts,
        key.emails,
        key.public_key
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes a key of an account, and tells whether there was one.
pub(super) async fn delete_key(conn: &mut PgConnection, user_pk: UserPk, key_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from gpg_keys where user_pk = $1 and key_pk = $2", user_pk, key_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// A key of somebody who may have signed.
#[derive(Debug, Clone)]
pub(super) struct SignerRow {
    /// The confirmed address of the account, in small letters.
    pub email: String,
    /// The name of the account.
    pub name: String,
    /// The key of the row.
    pub key_pk: i64,
    /// When the key was last given.
    pub updated_at: DateTime<Utc>,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its parts.
    pub parts: Value,
    /// The addresses that it names.
    pub emails: Vec<String>,
}

/// The keys of the accounts with these confirmed addresses, which are in small letters.
pub(super) async fn list_signers(pool: &PgPool, emails: &[String]) -> sqlx::Result<Vec<SignerRow>> {
    sqlx::query_as!(
        SignerRow,
        r#"select lower(u.email) as "email!", n.name, k.key_pk, k.updated_at, k.fingerprint, k.parts, k.emails
           from users u join gpg_keys k using (user_pk) join namespaces n on n.namespace_pk = u.user_pk
           where lower(u.email) = any($1) and u.email_confirmed_at is not null order by k.key_pk"#,
        emails
    )
    .fetch_all(pool)
    .await
}

/// Keys as `gpgv` reads them, one behind the other.
pub(super) async fn read_keys(pool: &PgPool, key_pks: &[i64]) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!("select public_key from gpg_keys where key_pk = any($1) order by key_pk", key_pks).fetch_all(pool).await
}
