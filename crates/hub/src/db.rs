//! The connection pool, migrations and advisory locks.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Row as _};

/// The migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Opens the pool. A wait for a connection ends after 10 s with an error that answers 503.
///
/// # Errors
/// The URL is wrong or the server refuses.
pub async fn connect(url: &str, max_connections: u32) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(300))
        // Instead of sqlx's own test, and as quick.
        .test_before_acquire(false)
        .before_acquire(|conn, _| Box::pin(is_clean(conn)))
        .connect_with(options.application_name("hub"))
        .await
}

/// Whether a connection is not in a transaction. sqlx 0.9.0 leaves one open when the future of a `begin` is dropped while it
/// waits for the answer, as that of a request is whose client goes away; whatever came next on the connection would not be
/// committed, and locks would stay. The pool then closes it, which rolls back.
async fn is_clean(conn: &mut PgConnection) -> sqlx::Result<bool> {
    // As a simple query; in others the two differ by the time between their messages.
    let row = sqlx::raw_sql("select now() = statement_timestamp()").fetch_one(conn).await?;
    let clean: bool = row.try_get(0)?;
    if !clean {
        tracing::debug!("closed a connection that was left in a transaction");
    }
    Ok(clean)
}

/// Brings the schema up to date. Nodes that start together take turns (sqlx holds an advisory lock).
///
/// # Errors
/// A migration failed, or the database is newer than this program.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await
}

/// How many migrations this program knows and the database has not run.
///
/// # Errors
/// The database does not answer.
pub async fn pending_migrations(pool: &PgPool) -> sqlx::Result<usize> {
    let known = MIGRATOR.iter().filter(|migration| migration.migration_type.is_up_migration());
    let table = sqlx::query_scalar!("select to_regclass('_sqlx_migrations') is not null as \"there!\"");
    if !table.fetch_one(pool).await? {
        return Ok(known.count());
    }
    // Not a macro: the table is sqlx's own, and no migration of ours makes it.
    let run: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await?;
    Ok(known.filter(|migration| !run.contains(&migration.version)).count())
}

/// How many migrations the database has run and this program does not know: a newer one has.
///
/// # Errors
/// The database does not answer.
pub async fn unknown_migrations(pool: &PgPool) -> sqlx::Result<usize> {
    let table = sqlx::query_scalar!("select to_regclass('_sqlx_migrations') is not null as \"there!\"");
    if !table.fetch_one(pool).await? {
        return Ok(0);
    }
    let run: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations").fetch_all(pool).await?;
    Ok(run.iter().filter(|version| !MIGRATOR.iter().any(|known| known.version == **version)).count())
}

/// What an advisory lock protects. Locks end with the transaction.
#[derive(Debug, Clone, Copy)]
pub enum LockKey {
    /// Making the first account: exactly one becomes admin.
    FirstAccount,
    /// Garbage collection: once at a time, over all nodes.
    CollectGarbage,
    /// Giving numbers to what the search index has to hear about: without it, a number could become visible after a
    /// higher one was read.
    NumberSearchChanges,
    /// Feeding a search index that several nodes share.
    FeedSearch,
    /// Writing counters of many repositories, which several nodes would do in different orders.
    Counters,
}

impl LockKey {
    fn number(self) -> i64 {
        match self {
            Self::FirstAccount => 1,
            Self::CollectGarbage => 2,
            Self::NumberSearchChanges => 3,
            Self::FeedSearch => 4,
            Self::Counters => 5,
        }
    }
}

/// Takes an advisory lock until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, key: LockKey) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", key.number()).execute(conn).await.map(|_| ())
}

/// Takes an advisory lock until the transaction ends, if it is free; `false` when somebody has it.
///
/// # Errors
/// The database does not answer.
pub async fn try_lock(conn: &mut PgConnection, key: LockKey) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "taken!""#, key.number()).fetch_one(conn).await
}

/// Whether an error is a violation of the named unique index or constraint.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
