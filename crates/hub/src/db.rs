//! The connection pool, migrations and advisory locks.
//!
//! **Plans that are kept.** Postgres plans a prepared statement anew for each array as long as it believes that the array's length makes
//! a difference, which takes ten times as long as most look-ups run. Statements that nearly every request asks therefore say `(select $1)` for an
//! array: of that, no length is known, and the plan is kept.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};

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
        // A connection in steady use needs no test, which costs as much as most statements.
        .test_before_acquire(false)
        .before_acquire(|conn, use_so_far| {
            let rested = use_so_far.idle_for > RESTED;
            Box::pin(async move { Ok(!rested || conn.ping().await.is_ok()) })
        })
        // A second process of Postgres for a statement takes longer to start than most statements run.
        .connect_with(options.application_name("hub").options([("max_parallel_workers_per_gather", "0")]))
        .await
}

/// How long a connection may rest before it is tested: Postgres may have gone meanwhile.
const RESTED: Duration = Duration::from_secs(1);

/// Begins a transaction, also when the caller goes away meanwhile, as a request does whose client hangs up: sqlx 0.9.0 leaves
/// one open when the future of its `begin` is dropped while it waits for the answer. Whatever came next on the connection
/// would not be committed, and locks would stay.
///
/// # Errors
/// The database does not answer.
#[expect(clippy::disallowed_methods, reason = "everybody else calls this")]
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    // A task of its own ends its `begin`; a transaction that nobody takes is rolled back.
    let begun = tokio::spawn(async move { pool.begin().await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
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
    /// Making deliveries of what happened: one node at a time, so that webhooks hear of it in order.
    HearChanges,
    /// Deciding about what was reported: each moderator sees what the others left.
    Moderate,
    /// Adding up what repositories hold.
    MeasureStorage,
}

impl LockKey {
    fn number(self) -> i64 {
        match self {
            Self::FirstAccount => 1,
            Self::CollectGarbage => 2,
            Self::NumberSearchChanges => 3,
            Self::FeedSearch => 4,
            Self::Counters => 5,
            Self::HearChanges => 6,
            Self::Moderate => 14,
            Self::MeasureStorage => 20,
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
