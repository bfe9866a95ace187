//! The connection pool, migrations and advisory locks.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool};

/// The migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Opens the pool. A wait for a connection ends after 10 s with an error that answers 503.
///
/// # Errors
/// The URL is wrong or the server refuses.
pub async fn connect(url: &str) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    PgPoolOptions::new()
        .max_connections(24)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(300))
        .connect_with(options.application_name("hub"))
        .await
}

/// Brings the schema up to date. Nodes that start together take turns (sqlx holds an advisory lock).
///
/// # Errors
/// A migration failed, or the database is newer than this program.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await
}

/// What an advisory lock protects. Locks end with the transaction.
#[derive(Debug, Clone, Copy)]
pub enum LockKey {
    /// Making the first account: exactly one becomes admin.
    FirstAccount,
}

/// Takes an advisory lock until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, key: LockKey) -> sqlx::Result<()> {
    let number = match key {
        LockKey::FirstAccount => 1_i64,
    };
    sqlx::query!("select pg_advisory_xact_lock($1)", number).execute(conn).await.map(|_| ())
}

/// Whether an error is a violation of the named unique index or constraint.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
