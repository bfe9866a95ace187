//! What the doctor asks the database.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// The server, as the hub sees it.
#[derive(Debug)]
pub(super) struct ServerRow {
    /// Such as `15.4`.
    pub(super) version: String,
    /// Such as 150004.
    pub(super) version_number: i32,
    /// How many connections it takes from those who are no superusers.
    pub(super) most_connections: i32,
    /// How many there are, this one counted.
    pub(super) connections: i64,
    /// Its clock.
    pub(super) now: DateTime<Utc>,
}

/// Asks the server who it is.
pub(super) async fn find_server(conn: impl PgExecutor<'_>) -> sqlx::Result<ServerRow> {
    sqlx::query_as!(
        ServerRow,
        r#"select current_setting('server_version') as "version!",
             current_setting('server_version_num')::int as "version_number!",
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               as "most_connections!",
             (select count(*) from pg_stat_activity where datname is not null) as "connections!",
             clock_timestamp() as "now!""#
    )
    .fetch_one(conn)
    .await
}
