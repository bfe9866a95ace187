//! Statements on mail addresses.

use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// Notes that an account is asked whether its address is its own, unless it was asked in the last `pause_secs` seconds.
///
/// # Errors
/// The database does not answer.
pub async fn mark_asked(conn: &mut PgConnection, user_pk: UserPk, pause_secs: f64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set email_asked_at = now()
         where user_pk = $1 and email_confirmed_at is null
           and (email_asked_at is null or email_asked_at < now() - make_interval(secs => $2))",
        user_pk,
        pause_secs
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that an address belongs to an account that has it.
///
/// # Errors
/// The database does not answer.
pub async fn mark_confirmed(conn: &mut PgConnection, user_pk: UserPk, email: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set email_confirmed_at = coalesce(email_confirmed_at, now()) where user_pk = $1 and email = $2",
        user_pk,
        email
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The user who has a mail address.
///
/// # Errors
/// The database does not answer.
pub async fn find_user_pk(pool: &PgPool, email: &str) -> sqlx::Result<Option<UserPk>> {
    sqlx::query_scalar!("select user_pk from users where lower(email) = lower($1)", email).fetch_optional(pool).await
}

/// The address that a user wants to have.
///
/// # Errors
/// The database does not answer.
pub async fn find_new_email(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!("select new_email from users where user_pk = $1", user_pk);
    Ok(found.fetch_optional(pool).await?.flatten())
}

/// Notes the address that a user wants to have, or that none is wanted any more.
///
/// # Errors
/// The database does not answer.
pub async fn set_new_email(conn: &mut PgConnection, user_pk: UserPk, email: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!("update users set new_email = $2 where user_pk = $1", user_pk, email).execute(conn).await.map(|_| ())
}

/// Gives a user the address that they want to have, which they have just shown to be theirs, and tells whether it still was.
///
/// # Errors
/// The mail address is taken (`users_email_idx`).
pub async fn take_new_email(conn: &mut PgConnection, user_pk: UserPk, email: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set email = $2, new_email = null, email_confirmed_at = now() where user_pk = $1 and new_email = $2",
        user_pk,
        email
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
