//! Statements on second factors, and on what sign-ins leave between two requests.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// What an account has besides its password.
#[derive(Debug, Clone)]
pub struct FactorsRow {
    /// Since when there is an authenticator app.
    pub app_since: Option<DateTime<Utc>>,
    /// How many passkeys.
    pub passkeys: i64,
    /// How many recovery codes are left.
    pub codes: i32,
    /// When they were made.
    pub codes_made_at: Option<DateTime<Utc>>,
}

/// What an account has besides its password.
///
/// # Errors
/// The database does not answer.
pub async fn find_factors(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<FactorsRow> {
    sqlx::query_as!(
        FactorsRow,
        r#"select (select created_at from authenticator_apps where user_pk = $1) as app_since,
                  (select count(*) from passkeys where user_pk = $1) as "passkeys!",
                  coalesce((select cardinality(hashes) from recovery_codes where user_pk = $1), 0) as "codes!",
                  (select made_at from recovery_codes where user_pk = $1) as codes_made_at"#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Keeps the secret of an authenticator app, unless there is one; tells whether it did.
///
/// # Errors
/// The database does not answer.
pub async fn insert_app(conn: &mut PgConnection, user_pk: UserPk, secret: &[u8], step: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into authenticator_apps (user_pk, secret, last_step) values ($1, $2, $3) on conflict do nothing",
        user_pk,
        secret,
        step
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The secret of a user's authenticator app.
///
/// # Errors
/// The database does not answer.
pub async fn find_app_secret(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select secret from authenticator_apps where user_pk = $1", user_pk).fetch_optional(pool).await
}

/// Takes the code of a step of time; tells whether it was the first of it, and of no step before one that was taken.
///
/// # Errors
/// The database does not answer.
pub async fn take_step(pool: &PgPool, user_pk: UserPk, step: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("update authenticator_apps set last_step = $2 where user_pk = $1 and last_step < $2", user_pk, step);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Forgets an authenticator app, and how many wrong codes there were; tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_app(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    sqlx::query!("delete from wrong_codes where user_pk = $1", user_pk).execute(&mut *conn).await?;
    let done = sqlx::query!("delete from authenticator_apps where user_pk = $1", user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Keeps recovery codes in the place of those before.
///
/// # Errors
/// The database does not answer.
pub async fn replace_codes(conn: &mut PgConnection, user_pk: UserPk, hashes: &[Vec<u8>]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recovery_codes (user_pk, hashes) values ($1, $2)
         on conflict (user_pk) do update set hashes = excluded.hashes, made_at = clock_timestamp()",
        user_pk,
        hashes
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Uses up a recovery code; tells whether there was such a one.
///
/// # Errors
/// The database does not answer.
pub async fn take_code(conn: &mut PgConnection, user_pk: UserPk, hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update recovery_codes set hashes = array_remove(hashes, $2) where user_pk = $1 and $2 = any (hashes)",
        user_pk,
        hash
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Whether there is such a recovery code.
///
/// # Errors
/// The database does not answer.
pub async fn has_code(pool: &PgPool, user_pk: UserPk, hash: &[u8]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from recovery_codes where user_pk = $1 and $2 = any (hashes)) as "has!""#,
        user_pk,
        hash
    )
    .fetch_one(pool)
    .await
}

/// Forgets recovery codes.
///
/// # Errors
/// The database does not answer.
pub async fn delete_codes(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from recovery_codes where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}

/// Counts a code of an app as wrong, and gives how many there were in this day and in how many seconds it ends.
///
/// # Errors
/// The database does not answer.
pub async fn count_wrong_code(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<(i32, i64)> {
    let row = sqlx::query!(
        r#"insert into wrong_codes as w (user_pk, count) values ($1, 1)
           on conflict (user_pk) do update set
               count = case when w.since < now() - interval '1 day' then 1 else w.count + 1 end,
               since = case when w.since < now() - interval '1 day' then now() else w.since end
           returning count, extract(epoch from since + interval '1 day' - now())::bigint as "secs!""#,
        user_pk
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.secs))
}

/// Counts one less: the code was right.
///
/// # Errors
/// The database does not answer.
pub async fn take_wrong_code_back(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("update wrong_codes set count = greatest(count - 1, 0) where user_pk = $1", user_pk)
        .execute(pool)
        .await
        .map(|_| ())
}

/// A passkey.
#[derive(Debug, Clone)]
pub struct PasskeyRow {
    /// The key.
    pub passkey_pk: i64,
    /// Whose.
    pub user_pk: UserPk,
    /// What its owner calls it.
    pub name: String,
    /// By which authenticators know the account.
    pub user_handle: Vec<u8>,
    /// What it is checked with.
    pub credential: Value,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The passkeys of a user, the first one first; there are few.
///
/// # Errors
/// The database does not answer.
pub async fn list_passkeys(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Vec<PasskeyRow>> {
    sqlx::query_as!(
        PasskeyRow,
        "select passkey_pk, user_pk, name, user_handle, credential, created_at, last_used_at from passkeys
         where user_pk = $1 order by passkey_pk limit 100",
        user_pk
    )
    .fetch_all(conn)
    .await
}

/// Finds a passkey by what its authenticator calls it.
///
/// # Errors
/// The database does not answer.
pub async fn find_passkey(pool: &PgPool, credential_id: &[u8]) -> sqlx::Result<Option<PasskeyRow>> {
    sqlx::query_as!(
        PasskeyRow,
        "select passkey_pk, user_pk, name, user_handle, credential, created_at, last_used_at from passkeys
         where credential_id = $1",
        credential_id
    )
    .fetch_optional(pool)
    .await
}

/// What a new passkey is kept as.
#[derive(Debug)]
pub struct NewPasskey<'a> {
    /// Whose.
    pub user_pk: UserPk,
    /// What its owner calls it.
    pub name: &'a str,
    /// What its authenticator calls it.
    pub credential_id: &'a [u8],
    /// By which authenticators know the account.
    pub user_handle: &'a [u8],
    /// What it is checked with.
    pub credential: &'a Value,
}

/// Keeps a passkey; tells whether it was new to the hub.
///
/// # Errors
/// The database does not answer.
pub async fn insert_passkey(conn: &mut PgConnection, new: &NewPasskey<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into passkeys (user_pk, name, credential_id, user_handle, credential) values ($1, $2, $3, $4, $5)
         on conflict (credential_id) do nothing",
        new.user_pk,
        new.name,
        new.credential_id,
        new.user_handle,
        new.credential
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that a passkey was used, with its counter; tells whether it was as it was read.
///
/// # Errors
/// The database does not answer.
pub async fn note_passkey(pool: &PgPool, row: &PasskeyRow, credential: &Value) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update passkeys set credential = $3, last_used_at = now() where passkey_pk = $1 and credential = $2",
        row.passkey_pk,
        row.credential,
        credential
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Calls a passkey of a user something else; tells whether there is one.
///
/// # Errors
/// The database does not answer.
pub async fn rename_passkey(pool: &PgPool, user_pk: UserPk, passkey_pk: i64, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!("update passkeys set name = $3 where user_pk = $1 and passkey_pk = $2", user_pk, passkey_pk, name);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Forgets a passkey of a user, and gives its name.
///
/// # Errors
/// The database does not answer.
pub async fn delete_passkey(conn: &mut PgConnection, user_pk: UserPk, passkey_pk: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("delete from passkeys where user_pk = $1 and passkey_pk = $2 returning name", user_pk, passkey_pk)
        .fetch_optional(conn)
        .await
}

/// Forgets all passkeys of a user.
///
/// # Errors
/// The database does not answer.
pub async fn delete_passkeys(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from passkeys where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}

/// What is kept between two requests.
#[derive(Debug)]
pub struct CeremonyRow {
    /// Whose it is, if that is known already.
    pub user_pk: Option<UserPk>,
    /// The rest.
    pub state: Value,
}

/// Keeps something for some seconds. What is over goes.
///
/// # Errors
/// The database does not answer.
pub async fn insert_ceremony(
    conn: &mut PgConnection,
    hash: &[u8],
    kind: &str,
    row: &CeremonyRow,
    lasts_secs: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from ceremonies where ceremony_hash in (
             select ceremony_hash from ceremonies where expires_at < now() for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into ceremonies (ceremony_hash, kind, user_pk, state, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        hash,
        kind,
        row.user_pk,
        row.state,
        lasts_secs
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Finds what is kept.
///
/// # Errors
/// The database does not answer.
pub async fn find_ceremony(pool: &PgPool, hash: &[u8], kind: &str) -> sqlx::Result<Option<CeremonyRow>> {
    sqlx::query_as!(
        CeremonyRow,
        "select user_pk, state from ceremonies where ceremony_hash = $1 and kind = $2 and expires_at > now()",
        hash,
        kind
    )
    .fetch_optional(pool)
    .await
}

/// Takes what is kept: nobody finds it again.
///
/// # Errors
/// The database does not answer.
pub async fn take_ceremony(pool: &PgPool, hash: &[u8], kind: &str) -> sqlx::Result<Option<CeremonyRow>> {
    sqlx::query_as!(
        CeremonyRow,
        "delete from ceremonies where ceremony_hash = $1 and kind = $2 and expires_at > now() returning user_pk, state",
        hash,
        kind
    )
    .fetch_optional(pool)
    .await
}

/// Ends what is kept of a user: sign-ins that wait for a second factor, too.
///
/// # Errors
/// The database does not answer.
pub async fn delete_ceremonies_of(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("delete from ceremonies where user_pk = $1", user_pk).execute(conn).await.map(|_| ())
}

/// Whether somebody proved in a session who they are, in the last `secs` seconds.
///
/// # Errors
/// The database does not answer.
pub async fn was_proved(pool: &PgPool, session_hash: &[u8], secs: f64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select 1 from sessions
                          where session_hash = $1 and proved_at > now() - make_interval(secs => $2)) as "found!""#,
        session_hash,
        secs
    );
    found.fetch_one(pool).await
}
