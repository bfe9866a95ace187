//! Statements on links in mails that work once.

use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To choose a new password.
    ResetPassword,
    /// To take another mail address.
    ChangeEmail,
    /// To keep an account that is being deleted.
    KeepAccount,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::KeepAccount => "keep_account",
        }
    }
}

/// A link that works.
#[derive(Debug)]
pub struct LinkRow {
    /// Whose account it is about.
    pub user_pk: UserPk,
    /// Where it was sent.
    pub email: String,
}

/// Whether a link for this was sent to the user in the last `secs` seconds, by one that still works.
///
/// # Errors
/// The database does not answer.
pub async fn was_sent_lately(pool: &PgPool, user_pk: UserPk, purpose: Purpose, secs: f64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select 1 from mail_links
                          where user_pk = $1 and purpose = $2 and sent_at > now() - make_interval(secs => $3)) as "found!""#,
        user_pk,
        purpose.as_str(),
        secs
    );
    found.fetch_one(pool).await
}

/// Keeps a new link in place of the user's last one for this purpose. Links that are over go.
///
/// # Errors
/// The database does not answer.
pub async fn replace_link(
    conn: &mut PgConnection,
    hash: &[u8; 32],
    row: &LinkRow,
    purpose: Purpose,
    lasts_secs: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from mail_links where link_hash in (
             select link_hash from mail_links where expires_at < now() for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into mail_links (link_hash, user_pk, purpose, email, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))
         on conflict (user_pk, purpose) do update
         set link_hash = excluded.link_hash, email = excluded.email, expires_at = excluded.expires_at, sent_at = null",
        hash.as_slice(),
        row.user_pk,
        purpose.as_str(),
        row.email,
        lasts_secs
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that the mail with a link has gone.
///
/// # Errors
/// The database does not answer.
pub async fn mark_sent(pool: &PgPool, hash: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query!("update mail_links set sent_at = now() where link_hash = $1", hash.as_slice()).execute(pool).await.map(|_| ())
}

/// Finds a link that is not over.
///
/// # Errors
/// The database does not answer.
pub async fn find_link(pool: &PgPool, hash: &[u8; 32], purpose: Purpose) -> sqlx::Result<Option<LinkRow>> {
    sqlx::query_as!(
        LinkRow,
        "select user_pk, email from mail_links where link_hash = $1 and purpose = $2 and expires_at > now()",
        hash.as_slice(),
        purpose.as_str()
    )
    .fetch_optional(pool)
    .await
}

/// Finds a link that is not over, and ends it: of two who open it at once, one gets it.
///
/// # Errors
/// The database does not answer.
pub async fn take_link(conn: &mut PgConnection, hash: &[u8; 32], purpose: Purpose) -> sqlx::Result<Option<LinkRow>> {
    sqlx::query_as!(
        LinkRow,
        "delete from mail_links where link_hash = $1 and purpose = $2 and expires_at > now() returning user_pk, email",
        hash.as_slice(),
        purpose.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// Ends all links of a user.
///
/// # Errors
/// The database does not answer.
pub async fn delete_links_of(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from mail_links where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}
