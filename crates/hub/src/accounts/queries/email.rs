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
pub async fn mark_confirmed(pool: &PgPool, user_pk: UserPk, email: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set email_confirmed_at = coalesce(email_confirmed_at, now()) where user_pk = $1 and email = $2",
        user_pk,
        email
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}
