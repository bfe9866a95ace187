//! What a backup asks the database, and a restore before it begins.

use sqlx::PgConnection;

/// What is in a database.
#[derive(Debug)]
pub(in crate::admin) struct ContentsRow {
    /// Tables of any kind.
    pub(in crate::admin) tables: i64,
    /// Whether they are a hub's.
    pub(in crate::admin) of_hub: bool,
    /// Other connections of hubs.
    pub(in crate::admin) hubs: i64,
}

/// Makes the transaction see one state of the database from now on, and gives its name for others.
pub(in crate::admin) async fn export_snapshot(conn: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *conn).await?;
    sqlx::query_scalar!(r#"select pg_export_snapshot() as "id!""#).fetch_one(conn).await
}

/// Looks at what a database holds, whosever it is.
pub(in crate::admin) async fn find_contents(conn: &mut PgConnection) -> sqlx::Result<ContentsRow> {
    sqlx::query_as!(
        ContentsRow,
        r#"select (select count(*) from pg_tables where schemaname = 'public') as "tables!",
             to_regclass('public._sqlx_migrations') is not null and to_regclass('public.repos') is not null as "of_hub!",
             (select count(*) from pg_stat_activity
              where application_name = 'hub' and datname = current_database() and pid <> pg_backend_pid()) as "hubs!""#
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody has an account or a repository.
pub(in crate::admin) async fn is_used(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(r#"select exists (select 1 from users) or exists (select 1 from repos) as "used!""#);
    row.fetch_one(conn).await
}

/// Removes the tables of a hub that nobody has used.
pub(in crate::admin) async fn drop_all(conn: &mut PgConnection) -> sqlx::Result<()> {
    // Not a macro: it cannot be prepared together.
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(conn).await.map(|_| ())
}
