//! Statements on accounts at the outside provider by which people sign in.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// An account at a provider.
#[derive(Debug, Clone)]
pub struct IdentityRow {
    /// The key.
    pub identity_pk: i64,
    /// The provider's address.
    pub issuer: String,
    /// What it called the person when they last came.
    pub label: String,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: DateTime<Utc>,
}

/// Finds whose account an identity opens, and notes that it was used. By who they are at the provider alone: a mail address is no
/// proof.
///
/// # Errors
/// The database does not answer.
pub async fn use_identity(pool: &PgPool, issuer: &str, subject: &str, label: &str) -> sqlx::Result<Option<UserPk>> {
    sqlx::query_scalar!(
        "update user_identities set last_used_at = now(), label = $3 where issuer = $1 and subject = $2 returning user_pk",
        issuer,
        subject,
        label
    )
    .fetch_optional(pool)
    .await
}

/// Links an identity to an account.
///
/// # Errors
/// It is linked to one already (`user_identities_subject_idx`).
pub async fn insert_identity(
    conn: &mut PgConnection,
    user_pk: UserPk,
    issuer: &str,
    subject: &str,
    label: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into user_identities (user_pk, issuer, subject, label) values ($1, $2, $3, $4)",
        user_pk,
        issuer,
        subject,
        label
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Unlinks an identity of a user, and tells what it was called.
///
/// # Errors
/// The database does not answer.
pub async fn delete_identity(conn: &mut PgConnection, user_pk: UserPk, identity_pk: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "delete from user_identities where user_pk = $1 and identity_pk = $2 returning label",
        user_pk,
        identity_pk
    )
    .fetch_optional(conn)
    .await
}

/// The identities of a user, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_identities(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<IdentityRow>> {
    sqlx::query_as!(
        IdentityRow,
        "select identity_pk, issuer, label, created_at, last_used_at from user_identities
         where user_pk = $1 order by identity_pk limit 100",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// How many identities of a user are of a provider.
///
/// # Errors
/// The database does not answer.
pub async fn count_identities(conn: &mut PgConnection, user_pk: UserPk, issuer: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from user_identities where user_pk = $1 and issuer = $2"#, user_pk, issuer)
        .fetch_one(conn)
        .await
}

/// Whether a user has a password.
///
/// # Errors
/// The database does not answer.
pub async fn has_password(conn: impl sqlx::PgExecutor<'_>, user_pk: UserPk) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from users where user_pk = $1 and password_hash <> '') as "has!""#, user_pk)
        .fetch_one(conn)
        .await
}

/// Which of these names, in lower case, belong or belonged to somebody.
///
/// # Errors
/// The database does not answer.
pub async fn list_taken(pool: &PgPool, names: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select lower(name) as "name!" from namespaces where lower(name) = any($1)
           union select name_key from retired_names where name_key = any($1)"#,
        names
    )
    .fetch_all(pool)
    .await
}
