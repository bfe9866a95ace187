//! Statements on the tokens of sign-ins.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// An access token to be kept.
#[derive(Debug)]
pub struct NewAccess<'a> {
    /// The sign-in.
    pub grant_pk: i64,
    /// The person.
    pub user_pk: UserPk,
    /// The application's name.
    pub name: &'a str,
    /// Its SHA-256.
    pub hash: &'a [u8],
    /// Its end.
    pub hint: &'a str,
    /// What kind of token it is.
    pub role: &'a str,
    /// What it may do.
    pub rights: &'a Value,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// Keeps an access token, and of the sign-in's older ones only the last.
///
/// # Errors
/// The database does not answer.
pub async fn insert_access(conn: &mut PgConnection, token: &NewAccess<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from access_tokens where grant_pk = $1
         and token_pk < (select max(token_pk) from access_tokens where grant_pk = $1)",
        token.grant_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into access_tokens (grant_pk, user_pk, name, token_hash, hint, role, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        token.grant_pk,
        token.user_pk,
        token.name,
        token.hash,
        token.hint,
        token.role,
        token.rights,
        token.expires_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Keeps a refresh token.
///
/// # Errors
/// The database does not answer.
pub async fn insert_refresh(conn: &mut PgConnection, grant_pk: i64, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("insert into oauth_refresh_tokens (token_hash, grant_pk) values ($1, $2)", hash, grant_pk)
        .execute(conn)
        .await
        .map(|_| ())
}

/// A refresh token, as somebody shows it.
#[derive(Debug)]
pub struct Refresh {
    /// The sign-in.
    pub grant_pk: i64,
    /// The application.
    pub client_pk: i64,
    /// Whether it was exchanged for another.
    pub was_used: bool,
}

/// Finds a refresh token, and makes others that show the same wait.
///
/// # Errors
/// The database does not answer.
pub async fn lock_refresh(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<Refresh>> {
    // The sign-in first, as whoever ends it holds it.
    sqlx::query!(
        "select grant_pk from oauth_grants
         where grant_pk = (select grant_pk from oauth_refresh_tokens where token_hash = $1) for update",
        hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query_as!(
        Refresh,
        r#"select r.grant_pk, client_pk, used_at is not null as "was_used!"
           from oauth_refresh_tokens r join oauth_grants using (grant_pk) join oauth_consents using (consent_pk)
           where token_hash = $1 for update of r"#,
        hash
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a refresh token was exchanged.
///
/// # Errors
/// The database does not answer.
pub async fn use_refresh(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update oauth_refresh_tokens set used_at = now() where token_hash = $1", hash).execute(conn).await.map(|_| ())
}

/// An access token that works, as its application may learn of it.
#[derive(Debug)]
pub struct Access {
    /// The key.
    pub token_pk: i64,
    /// The application.
    pub client_pk: i64,
    /// The person.
    pub user_pk: UserPk,
    /// The person's name.
    pub username: String,
    /// What it may do.
    pub rights: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Finds an access token of a sign-in that works.
///
/// # Errors
/// The database does not answer.
pub async fn find_access(pool: &PgPool, hash: &[u8]) -> sqlx::Result<Option<Access>> {
    sqlx::query_as!(
        Access,
        "select token_pk, client_pk, t.user_pk, n.name as username, t.scopes as rights, t.created_at, t.expires_at
         from access_tokens t join oauth_grants using (grant_pk) join oauth_consents using (consent_pk)
         join namespaces n on n.namespace_pk = t.user_pk join users u on u.user_pk = t.user_pk
         where token_hash = $1 and leaked_at is null and t.expires_at > now() and u.suspended_at is null",
        hash
    )
    .fetch_optional(pool)
    .await
}

/// Revokes an access token of an application.
///
/// # Errors
/// The database does not answer.
pub async fn delete_access(pool: &PgPool, token_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from access_tokens where token_pk = $1 and grant_pk is not null", token_pk)
        .execute(pool)
        .await
        .map(|_| ())
}

/// A sign-in that ended because its refresh token leaked.
#[derive(Debug)]
pub struct LeakedRow {
    /// Whose it was.
    pub user_pk: UserPk,
    /// The application's name.
    pub name: String,
}

/// Ends the sign-ins whose refresh tokens were found where everybody can read them.
///
/// # Errors
/// The database does not answer.
pub async fn delete_leaked(conn: &mut PgConnection, hashes: &[Vec<u8>]) -> sqlx::Result<Vec<LeakedRow>> {
    sqlx::query_as!(
        LeakedRow,
        r#"with leaked as (
               delete from oauth_grants g using oauth_refresh_tokens r, oauth_consents s
               where r.grant_pk = g.grant_pk and s.consent_pk = g.consent_pk and r.token_hash = any($1)
               returning s.user_pk, s.client_pk
           )
           select l.user_pk as "user_pk!", c.name from leaked l join oauth_clients c using (client_pk)"#,
        hashes
    )
    .fetch_all(conn)
    .await
}

/// The home page of a user.
///
/// # Errors
/// The database does not answer.
pub async fn find_homepage(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select homepage from users where user_pk = $1", user_pk).fetch_optional(conn).await
}
