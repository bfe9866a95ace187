//! Statements on switches.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// A change of a switch.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// The key.
    pub change_pk: i64,
    /// The switch.
    pub flag: String,
    /// How it stood: on, off, or as the settings say.
    pub before: Option<bool>,
    /// How it stands since.
    pub after: Option<bool>,
    /// Who did it, unless the account is gone.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// What people are told since.
    pub told: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a switch stands.
#[derive(Debug, Clone)]
pub struct TurnedRow {
    /// The switch.
    pub flag: String,
    /// On, off, or as the settings say.
    pub after: Option<bool>,
    /// What people are told.
    pub told: Option<String>,
}

/// How all switches stand that were ever turned.
///
/// # Errors
/// The database does not answer.
pub async fn list_turned(pool: &PgPool) -> sqlx::Result<Vec<TurnedRow>> {
    sqlx::query_as!(TurnedRow, "select distinct on (flag) flag, after, told from flag_changes order by flag, change_pk desc")
        .fetch_all(pool)
        .await
}

/// Has those who turn switches take turns, until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table flag_changes in share row exclusive mode").execute(conn).await.map(|_| ())
}

/// How one stands.
///
/// # Errors
/// The database does not answer.
pub async fn find_turned(conn: &mut PgConnection, flag: &str) -> sqlx::Result<Option<bool>> {
    let row = sqlx::query_scalar!("select after from flag_changes where flag = $1 order by change_pk desc limit 1", flag);
    Ok(row.fetch_optional(conn).await?.flatten())
}

/// One change.
///
/// # Errors
/// The database does not answer.
pub async fn find(pool: &PgPool, change_pk: i64) -> sqlx::Result<Option<ChangeRow>> {
    sqlx::query_as!(
        ChangeRow,
        r#"select change_pk, flag, before, after, n.name as "by?", reason, told, changed_at as at
           from flag_changes left join namespaces n on n.namespace_pk = changed_by where change_pk = $1"#,
        change_pk
    )
    .fetch_optional(pool)
    .await
}

/// What people were told before a change of a switch.
///
/// # Errors
/// The database does not answer.
pub async fn find_told_before(pool: &PgPool, flag: &str, change_pk: i64) -> sqlx::Result<Option<String>> {
    let row = sqlx::query_scalar!(
        "select told from flag_changes where flag = $1 and change_pk < $2 order by change_pk desc limit 1",
        flag,
        change_pk
    );
    Ok(row.fetch_optional(pool).await?.flatten())
}

/// The last changes, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_last(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<ChangeRow>> {
    sqlx::query_as!(
        ChangeRow,
        r#"select change_pk, flag, before, after, n.name as "by?", reason, told, changed_at as at
           from flag_changes left join namespaces n on n.namespace_pk = changed_by order by change_pk desc limit $1"#,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Writes a change down.
///
/// # Errors
/// The database does not answer.
pub async fn insert(
    conn: &mut PgConnection,
    flag: &str,
    (before, after): (Option<bool>, Option<bool>),
    by: UserPk,
    (reason, told): (&str, Option<&str>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into flag_changes (flag, before, after, changed_by, reason, told) values ($1, $2, $3, $4, $5, $6)",
        flag,
        before,
        after,
        by,
        reason,
        told
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Has all nodes hear of it when the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn notify(conn: &mut PgConnection, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(conn).await.map(|_| ())
}
