//! Statements on passwords that the hub made up for somebody.

use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// Notes that a password was made up, and for how long it works.
///
/// # Errors
/// The database does not answer.
pub async fn mark_first_password(pool: &PgPool, user_pk: UserPk, days: i32) -> sqlx::Result<()> {
    sqlx::query!("update users set password_ends_at = now() + make_interval(days => $2) where user_pk = $1", user_pk, days)
        .execute(pool)
        .await
        .map(|_| ())
}

/// The sign-in version of an account whose password was made up and still works, which nobody changes until the transaction is over.
///
/// # Errors
/// The database does not answer.
pub async fn lock_first_password(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "select sign_in_version from users where user_pk = $1 and password_ends_at > now() for no key update",
        user_pk
    )
    .fetch_optional(conn)
    .await
}
