//! Statements on sign-ups that wait for the link in a mail to be opened.

use sqlx::{PgConnection, PgPool};

/// A sign-up that is to wait.
#[derive(Debug)]
pub struct NewSignUp<'a> {
    /// The user name.
    pub name: &'a str,
    /// The mail address.
    pub email: &'a str,
    /// The argon2id hash in PHC form.
    pub password_hash: &'a str,
    /// The path to go to afterwards.
    pub next_path: &'a str,
}

/// A sign-up that waits.
#[derive(Debug)]
pub struct SignUpRow {
    /// Its key.
    pub sign_up_pk: i64,
    /// The user name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// The path to go to afterwards.
    pub next_path: String,
}

/// Keeps a sign-up for `lasts_secs`.
///
/// # Errors
/// The database does not answer.
pub async fn insert_sign_up(conn: &mut PgConnection, new: &NewSignUp<'_>, lasts_secs: f64) -> sqlx::Result<i64> {
    let inserted = sqlx::query_scalar!(
        "insert into sign_ups (name, email, password_hash, next_path, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5)) returning sign_up_pk",
        new.name,
        new.email,
        new.password_hash,
        new.next_path,
        lasts_secs
    );
    inserted.fetch_one(conn).await
}

/// Finds a sign-up whose mail has not gone yet.
///
/// # Errors
/// The database does not answer.
pub async fn find_unsent(pool: &PgPool, sign_up_pk: i64) -> sqlx::Result<Option<SignUpRow>> {
    sqlx::query_as!(
        SignUpRow,
        "select sign_up_pk, name, email, password_hash, next_path from sign_ups
         where sign_up_pk = $1 and sent_at is null and expires_at > now()",
        sign_up_pk
    )
    .fetch_optional(pool)
    .await
}

/// How many mails went to an address in the last `secs` seconds, because somebody signed up with it.
///
/// # Errors
/// The database does not answer.
pub async fn count_sent(pool: &PgPool, email: &str, secs: f64) -> sqlx::Result<i64> {
    let counted = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sign_ups
           where lower(email) = lower($1) and sent_at > now() - make_interval(secs => $2)"#,
        email,
        secs
    );
    counted.fetch_one(pool).await
}

/// Gives a sign-up another link.
///
/// # Errors
/// The database does not answer.
pub async fn set_link(pool: &PgPool, sign_up_pk: i64, hash: &[u8; 32]) -> sqlx::Result<()> {
    let done = sqlx::query!("update sign_ups set link_hash = $2 where sign_up_pk = $1", sign_up_pk, hash.as_slice());
    done.execute(pool).await.map(|_| ())
}

/// Notes that the mail has gone.
///
/// # Errors
/// The database does not answer.
pub async fn mark_sent(pool: &PgPool, sign_up_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update sign_ups set sent_at = now() where sign_up_pk = $1", sign_up_pk).execute(pool).await.map(|_| ())
}

/// Finds a sign-up by its link.
///
/// # Errors
/// The database does not answer.
pub async fn find_sign_up(pool: &PgPool, hash: &[u8; 32]) -> sqlx::Result<Option<SignUpRow>> {
    sqlx::query_as!(
        SignUpRow,
        "select sign_up_pk, name, email, password_hash, next_path from sign_ups where link_hash = $1 and expires_at > now()",
        hash.as_slice()
    )
    .fetch_optional(pool)
    .await
}

/// Ends a sign-up, and all others with its address, and tells whether it was still there: of two who open a link at once, one gets it.
///
/// # Errors
/// The database does not answer.
pub async fn take_sign_up(conn: &mut PgConnection, row: &SignUpRow) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("delete from sign_ups where sign_up_pk = $1 returning sign_up_pk", row.sign_up_pk);
    if found.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    sqlx::query!(
        "delete from sign_ups where sign_up_pk in (
             select sign_up_pk from sign_ups where lower(email) = lower($1) for update skip locked)",
        row.email
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Forgets the sign-ups that are over.
///
/// # Errors
/// The database does not answer.
pub async fn delete_over(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from sign_ups where sign_up_pk in (
             select sign_up_pk from sign_ups where expires_at < now() for update skip locked)"
    )
    .execute(conn)
    .await
    .map(|_| ())
}
