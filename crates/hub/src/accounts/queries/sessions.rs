//! Statements on browsers that are logged in, and on logging in.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::find_user;
use crate::accounts::{User, UserPk};
use crate::config::SessionLimits;

/// For how many days sign-ins are remembered.
const REMEMBERED_DAYS: i32 = 90;

/// Where a browser is, and what it says of itself.
#[derive(Debug)]
pub struct Browser<'a> {
    /// Its address, as far as it is known.
    pub address: Option<&'a str>,
    /// What it says of itself.
    pub user_agent: &'a str,
    /// How somebody proved there who they are.
    pub via: &'a str,
    /// The hash of the secret that it keeps to be known again.
    pub device_hash: &'a [u8],
}

/// Finds the user of a session that is not over, and notes that it is in use, and from where (at most every 5 minutes): from then on
/// it may be idle for as long again.
///
/// # Errors
/// The database does not answer.
pub async fn find_session_user(
    pool: &PgPool,
    session_hash: &[u8; 32],
    address: Option<&str>,
    limits: SessionLimits,
) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!(
        r#"select user_pk, last_seen_at < now() - interval '5 minutes' as "stale!" from sessions
           where session_hash = $1 and expires_at > now()"#,
        session_hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!(
            "update sessions set last_seen_at = now(), address = coalesce($2, address),
             expires_at = least(created_at + make_interval(days => $3), now() + make_interval(hours => $4))
             where session_hash = $1",
            session_hash.as_slice(),
            address,
            limits.days,
            limits.idle_hours
        )
        .execute(pool)
        .await?;
    }
    find_user(pool, row.user_pk).await
}

/// How often all sessions of a user were ended; until the transaction is over they are not ended again.
///
/// # Errors
/// The database does not answer.
pub async fn hold_sign_in_version(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!("select sign_in_version from users where user_pk = $1 for share", user_pk).fetch_optional(conn).await
}

/// Starts a session, in place of the one that the browser had, and forgets those of the account that are over.
///
/// # Errors
/// The database does not answer.
pub async fn insert_session(
    conn: &mut PgConnection,
    hash: &[u8; 32],
    replaced: Option<&[u8; 32]>,
    user_pk: UserPk,
    browser: &Browser<'_>,
    limits: SessionLimits,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from sessions where session_hash = $1 or (user_pk = $2 and expires_at < now())",
        replaced.map(<[u8; 32]>::as_slice),
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into sessions (session_hash, user_pk, address, user_agent, expires_at, via, proved_at)
         values ($1, $2, $3, $4, now() + least(make_interval(days => $5), make_interval(hours => $6)), $7, now())",
        hash.as_slice(),
        user_pk,
        browser.address,
        browser.user_agent,
        limits.days,
        limits.idle_hours,
        browser.via
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that somebody proved in a session who they are, and gives it another secret. Tells whether there was such a session.
///
/// # Errors
/// The database does not answer.
pub async fn renew_session(pool: &PgPool, former: &[u8; 32], hash: &[u8; 32]) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update sessions set session_hash = $2, proved_at = now() where session_hash = $1 and expires_at > now()",
        former.as_slice(),
        hash.as_slice()
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Remembers that somebody logged in, and forgets what is long ago.
///
/// # Errors
/// The database does not answer.
pub async fn insert_sign_in(conn: &mut PgConnection, user_pk: UserPk, browser: &Browser<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from sign_ins where user_pk = $1 and created_at < now() - make_interval(days => $2)",
        user_pk,
        REMEMBERED_DAYS
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into sign_ins (user_pk, address, user_agent, via, device_hash) values ($1, $2, $3, $4, $5)",
        user_pk,
        browser.address,
        browser.user_agent,
        browser.via,
        browser.device_hash
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A browser in which somebody logged in.
#[derive(Debug)]
pub struct KnownBrowser {
    /// From which address.
    pub address: Option<String>,
    /// What it said of itself.
    pub user_agent: String,
    /// Whether it is the one that is asked about.
    pub is_same: bool,
}

/// The browsers of the last sign-ins that are remembered, each once.
///
/// # Errors
/// The database does not answer.
pub async fn list_known_browsers(
    conn: &mut PgConnection,
    user_pk: UserPk,
    device_hash: &[u8],
) -> sqlx::Result<Vec<KnownBrowser>> {
    sqlx::query_as!(
        KnownBrowser,
        r#"select distinct address, user_agent, coalesce(device_hash = $2, false) as "is_same!"
           from (select address, user_agent, device_hash from sign_ins where user_pk = $1 order by sign_in_pk desc limit 200) lately"#,
        user_pk,
        device_hash
    )
    .fetch_all(conn)
    .await
}

/// Whether an account was made within a day.
///
/// # Errors
/// The database does not answer.
pub async fn is_fresh_account(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from namespaces where namespace_pk = $1 and created_at > now() - interval '1 day') as "fresh!""#,
        user_pk
    );
    found.fetch_one(conn).await
}

/// A time at which somebody logged in.
#[derive(Debug, Clone)]
pub struct SignInRow {
    /// From which address.
    pub address: Option<String>,
    /// What the browser said of itself.
    pub user_agent: String,
    /// How they proved who they are.
    pub via: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// When a user logged in lately, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list_sign_ins(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<SignInRow>> {
    sqlx::query_as!(
        SignInRow,
        "select address, user_agent, via, created_at from sign_ins where user_pk = $1 order by sign_in_pk desc limit 20",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Ends a session.
///
/// # Errors
/// The database does not answer.
pub async fn delete_session(pool: &PgPool, hash: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query!("delete from sessions where session_hash = $1", hash.as_slice()).execute(pool).await.map(|_| ())
}

/// A browser that is logged in.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// The key: the hash of its cookie.
    pub session_hash: Vec<u8>,
    /// From which address it was last seen.
    pub address: Option<String>,
    /// What the browser said of itself.
    pub user_agent: String,
    /// How somebody proved there who they are.
    pub via: String,
    /// When it logged in.
    pub created_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
}

/// The open sessions of a user, the most recent first.
///
/// # Errors
/// The database does not answer.
pub async fn list_sessions(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<SessionRow>> {
    sqlx::query_as!(
        SessionRow,
        "select session_hash, address, user_agent, via, created_at, last_seen_at from sessions
         where user_pk = $1 and expires_at > now() order by last_seen_at desc limit 100",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Ends a session of a user, and tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_session_of(pool: &PgPool, user_pk: UserPk, session_hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from sessions where user_pk = $1 and session_hash = $2", user_pk, session_hash);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Ends all sessions of a user but one, and sign-ins that are under way, and tells how many sessions they were.
///
/// # Errors
/// The database does not answer.
pub async fn delete_other_sessions_in(conn: &mut PgConnection, user_pk: UserPk, kept: &[u8]) -> sqlx::Result<u64> {
    // First this: it waits for sign-ins that are about to end, so that their sessions are seen.
    sqlx::query!("update users set sign_in_version = sign_in_version + 1 where user_pk = $1", user_pk)
        .execute(&mut *conn)
        .await?;
    let done = sqlx::query!("delete from sessions where user_pk = $1 and session_hash <> $2", user_pk, kept);
    Ok(done.execute(conn).await?.rows_affected())
}
