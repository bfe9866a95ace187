//! Statements on devices that wait for somebody to sign in for them (RFC 8628).

use sqlx::{PgConnection, PgPool};

/// A device that waits.
#[derive(Debug)]
pub struct NewDevice<'a> {
    /// SHA-256 of what it polls with.
    pub device_hash: &'a [u8],
    /// What its user types.
    pub user_code: &'a str,
    /// The application.
    pub client_pk: i64,
    /// What it asks for.
    pub scopes: &'a [String],
    /// From where.
    pub address: Option<&'a str>,
    /// For how long it waits.
    pub secs: f64,
}

/// Keeps a device that waits.
///
/// # Errors
/// Another waits with the same code for its user (`oauth_devices_user_code_key`).
pub async fn insert_device(pool: &PgPool, device: &NewDevice<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into oauth_devices (device_hash, user_code, client_pk, scopes, address, expires_at)
         values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
        device.device_hash,
        device.user_code,
        device.client_pk,
        device.scopes,
        device.address,
        device.secs
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// A device that waits for an answer, as its user sees it.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The application.
    pub client_pk: i64,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// From where.
    pub address: Option<String>,
}

/// Finds a device that waits for an answer by what its user types.
///
/// # Errors
/// The database does not answer.
pub async fn find_waiting(pool: &PgPool, user_code: &str) -> sqlx::Result<Option<Waiting>> {
    sqlx::query_as!(
        Waiting,
        "select client_pk, scopes, address from oauth_devices
         where user_code = $1 and expires_at > now() and not denied and grant_pk is null",
        user_code
    )
    .fetch_optional(pool)
    .await
}

/// Answers a device that waits: it is signed in, or refused. Tells whether it still waited.
///
/// # Errors
/// The database does not answer.
pub async fn answer(conn: &mut PgConnection, user_code: &str, grant_pk: Option<i64>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update oauth_devices set grant_pk = $2, denied = $2::bigint is null
         where user_code = $1 and expires_at > now() and not denied and grant_pk is null",
        user_code,
        grant_pk
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// A device, as it asks.
#[derive(Debug)]
pub struct Device {
    /// The application.
    pub client_pk: i64,
    /// Whether its user said no.
    pub denied: bool,
    /// What its user said yes to.
    pub grant_pk: Option<i64>,
    /// Whether it waited long enough since it last asked.
    pub is_early: bool,
    /// Whether its time is over.
    pub is_over: bool,
}

/// Notes that a device asks, and makes others that ask for the same wait.
///
/// # Errors
/// The database does not answer.
pub async fn poll(conn: &mut PgConnection, device_hash: &[u8]) -> sqlx::Result<Option<Device>> {
    // The sign-in first, as whoever ends it holds it.
    sqlx::query!(
        "select grant_pk from oauth_grants where grant_pk = (select grant_pk from oauth_devices where device_hash = $1) for update",
        device_hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    let found = sqlx::query_as!(
        Device,
        r#"select client_pk, denied, grant_pk, expires_at <= now() as "is_over!",
                  coalesce(polled_at > clock_timestamp() - make_interval(secs => interval_secs - 0.5), false) as "is_early!"
           from oauth_devices where device_hash = $1 for update"#,
        device_hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(device) = &found {
        sqlx::query!(
            "update oauth_devices set polled_at = clock_timestamp(),
                    interval_secs = least(interval_secs + case when $2 then 5 else 0 end, 60)
             where device_hash = $1",
            device_hash,
            device.is_early
        )
        .execute(conn)
        .await?;
    }
    Ok(found)
}

/// Forgets a device that has its answer.
///
/// # Errors
/// The database does not answer.
pub async fn delete_device(conn: &mut PgConnection, device_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from oauth_devices where device_hash = $1", device_hash).execute(conn).await.map(|_| ())
}
