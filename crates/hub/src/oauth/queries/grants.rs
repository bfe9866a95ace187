//! Statements on sign-ins to applications and their codes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::UserPk;

/// How many times one person can be signed in to one application.
const MOST_GRANTS: i64 = 100;

/// One time that somebody signs in to an application.
#[derive(Debug)]
pub struct NewGrant<'a> {
    /// What the person lets the application do.
    pub consent_pk: i64,
    /// What this time.
    pub scopes: &'a [String],
    /// With which organisations.
    pub organization_pks: &'a [i64],
    /// When the person last proved to the hub who they are.
    pub auth_time: DateTime<Utc>,
    /// What the application asked to find in the ID token.
    pub nonce: Option<&'a str>,
    /// When it ends, unless the application asks for more.
    pub ends_at: DateTime<Utc>,
}

/// A sign-in, and whose it is.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The key.
    pub pk: i64,
    /// The application.
    pub client_pk: i64,
    /// The person.
    pub user_pk: UserPk,
    /// What the application may do.
    pub scopes: Vec<String>,
    /// With which organisations.
    pub organization_pks: Vec<i64>,
    /// When the person last proved to the hub who they are.
    pub auth_time: DateTime<Utc>,
    /// What the application asked to find in the ID token.
    pub nonce: Option<String>,
    /// When its refresh token stops working.
    pub ends_at: DateTime<Utc>,
}

/// When it was last proved whose browser this is: when the session began, or since then.
///
/// # Errors
/// The database does not answer.
pub async fn find_auth_time(pool: &PgPool, session_hash: &[u8]) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(r#"select greatest(created_at, proved_at) as "at!" from sessions where session_hash = $1"#, session_hash)
        .fetch_optional(pool)
        .await
}

/// Signs somebody in. Of very many sign-ins to one application the oldest end.
///
/// # Errors
/// The database does not answer.
pub async fn insert_grant(conn: &mut PgConnection, grant: &NewGrant<'_>) -> sqlx::Result<i64> {
    sqlx::query!(
        "delete from oauth_grants where consent_pk = $1 and grant_pk <=
             (select grant_pk from oauth_grants where consent_pk = $1 order by grant_pk desc offset $2 limit 1)",
        grant.consent_pk,
        MOST_GRANTS - 1
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "insert into oauth_grants (consent_pk, scopes, organization_pks, auth_time, nonce, ends_at)
         values ($1, $2, $3, $4, $5, $6) returning grant_pk",
        grant.consent_pk,
        grant.scopes,
        grant.organization_pks,
        grant.auth_time,
        grant.nonce,
        grant.ends_at
    )
    .fetch_one(conn)
    .await
}

/// Takes hold of what somebody said to applications, or what people said to one, and of the sign-ins after it, before they end: each in
/// one order, and before their codes and tokens, so that no two who end or use them wait for each other.
///
/// # Errors
/// The database does not answer.
pub async fn hold_all(conn: &mut PgConnection, user_pk: Option<UserPk>, client_pk: Option<i64>) -> sqlx::Result<()> {
    sqlx::query!(
        "select consent_pk from oauth_consents
         where ($1::bigint is null or user_pk = $1) and ($2::bigint is null or client_pk = $2)
         order by consent_pk for update",
        user_pk,
        client_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "select g.grant_pk from oauth_grants g join oauth_consents c on c.consent_pk = g.consent_pk
         where ($1::bigint is null or c.user_pk = $1) and ($2::bigint is null or c.client_pk = $2)
         order by g.grant_pk for update of g",
        user_pk,
        client_pk
    )
    .fetch_all(conn)
    .await
    .map(|_| ())
}

/// Takes hold of the sign-ins of which one of these tokens is, before any of the tokens.
///
/// # Errors
/// The database does not answer.
pub async fn hold_of(conn: &mut PgConnection, hashes: &[Vec<u8>]) -> sqlx::Result<()> {
    sqlx::query!(
        "select grant_pk from oauth_grants where grant_pk in (
             select grant_pk from oauth_refresh_tokens where token_hash = any($1)
             union select grant_pk from access_tokens where token_hash = any($1) and grant_pk is not null)
         order by grant_pk for update",
        hashes
    )
    .fetch_all(conn)
    .await
    .map(|_| ())
}

/// Finds a sign-in that has not ended, and makes others that want something of it wait.
///
/// # Errors
/// The database does not answer.
pub async fn lock_grant(conn: &mut PgConnection, grant_pk: i64) -> sqlx::Result<Option<Grant>> {
    sqlx::query_as!(
        Grant,
        "select grant_pk as pk, client_pk, user_pk, g.scopes, g.organization_pks, auth_time, nonce, ends_at
         from oauth_grants g join oauth_consents using (consent_pk) where grant_pk = $1 and ends_at > now() for update of g",
        grant_pk
    )
    .fetch_optional(conn)
    .await
}

/// Puts off the end of a sign-in, but not for longer than it may last in any case, and tells when it is.
///
/// # Errors
/// The database does not answer.
pub async fn extend_grant(
    conn: &mut PgConnection,
    grant_pk: i64,
    ends_at: DateTime<Utc>,
    most_days: i32,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "update oauth_grants set ends_at = least($2, created_at + make_interval(days => $3)) where grant_pk = $1 returning ends_at",
        grant_pk,
        ends_at,
        most_days
    )
    .fetch_one(conn)
    .await
}

/// Ends a sign-in with all its tokens.
///
/// # Errors
/// The database does not answer.
pub async fn delete_grant(conn: impl PgExecutor<'_>, grant_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from oauth_grants where grant_pk = $1", grant_pk).execute(conn).await.map(|_| ())
}

/// A code, as an application got it.
#[derive(Debug)]
pub struct Code {
    /// The sign-in.
    pub grant_pk: i64,
    /// The application it is for.
    pub client_pk: i64,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What proves that who shows it also asked for it.
    pub challenge: Option<String>,
    /// Whether it was shown before.
    pub was_used: bool,
    /// Whether its time is over.
    pub is_over: bool,
}

/// Keeps a code for some seconds.
///
/// # Errors
/// The database does not answer.
pub async fn insert_code(
    conn: &mut PgConnection,
    code_hash: &[u8],
    grant_pk: i64,
    redirect_uri: &str,
    challenge: Option<&str>,
    secs: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oauth_codes (code_hash, grant_pk, redirect_uri, challenge, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        code_hash,
        grant_pk,
        redirect_uri,
        challenge,
        secs
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes a code, so that nobody takes it again, and tells how it was before.
///
/// # Errors
/// The database does not answer.
pub async fn take_code(conn: &mut PgConnection, code_hash: &[u8]) -> sqlx::Result<Option<Code>> {
    // The sign-in first, as whoever ends it holds it.
    sqlx::query!(
        "select grant_pk from oauth_grants where grant_pk = (select grant_pk from oauth_codes where code_hash = $1) for update",
        code_hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query_as!(
        Code,
        r#"with before as (select code_hash, used_at from oauth_codes where code_hash = $1 for update),
                taken as (update oauth_codes o set used_at = now() from before b where o.code_hash = b.code_hash
                          returning o.grant_pk, o.redirect_uri, o.challenge, b.used_at is not null as was_used,
                                    o.expires_at <= now() as is_over)
           select t.grant_pk as "grant_pk!", client_pk, t.redirect_uri as "redirect_uri!", t.challenge, t.was_used as "was_used!",
                  t.is_over as "is_over!"
           from taken t join oauth_grants using (grant_pk) join oauth_consents using (consent_pk)"#,
        code_hash
    )
    .fetch_optional(conn)
    .await
}

/// Removes sign-ins that are over, or for which nobody fetched tokens.
///
/// # Errors
/// The database does not answer.
pub async fn delete_over(conn: &mut PgConnection) -> sqlx::Result<()> {
    // What somebody has in hand stays for the next time, so that nobody waits for each other.
    sqlx::query!(
        "delete from oauth_grants where grant_pk in (
             select grant_pk from oauth_grants where ends_at < now() for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from oauth_grants where grant_pk in (
             select grant_pk from oauth_grants g where created_at < now() - interval '1 hour'
               and not exists (select from oauth_refresh_tokens r where r.grant_pk = g.grant_pk)
             for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    // One that comes again after this is refused, and ends nothing.
    sqlx::query!(
        "delete from oauth_refresh_tokens where token_hash in (
             select token_hash from oauth_refresh_tokens where used_at < now() - interval '30 days' for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from access_tokens where token_pk in (
             select token_pk from access_tokens where grant_pk is not null and expires_at < now() - interval '1 hour'
             for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from oauth_devices where device_hash in (
             select device_hash from oauth_devices where expires_at < now() - interval '1 hour' for update skip locked)"
    )
    .execute(conn)
    .await?;
    Ok(())
}
