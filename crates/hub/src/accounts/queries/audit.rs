//! Statements on the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// Tells a transaction who asked for it.
///
/// # Errors
/// The database does not answer.
pub async fn set_origin(conn: &mut PgConnection, origin: &str) -> sqlx::Result<()> {
    sqlx::query_scalar!("select set_config('hub.origin', $1, true)", origin).fetch_one(conn).await.map(|_| ())
}

/// Writes a line into the log of an account.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, namespace_pk: i64, action: &str, details: &Value) -> sqlx::Result<()> {
    sqlx::query!("select write_audit($1, $2, null, $3, null)", namespace_pk, action, details).execute(conn).await.map(|_| ())
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// In whose log it is, unless that is gone.
    pub namespace: Option<String>,
    /// The key; the log's order.
    pub audit_pk: i64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who, by the name they had then.
    pub actor: Option<String>,
    /// How they proved it.
    pub via: String,
    /// The token's name.
    pub token: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// What was done.
    pub action: String,
    /// With whom or what.
    pub subject: String,
    /// The rest.
    pub details: Value,
}

/// Which lines of a log are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// By whom, in any case.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// A part of the log of an account or organisation, newest first, before a line.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, namespace_pk: i64, wanted: &Wanted, before: i64, limit: i64) -> sqlx::Result<Vec<AuditRow>> {
    sqlx::query_as!(
        AuditRow,
        "select audit_pk, created_at, actor, via, token, address, action, subject, details,
                (select name from namespaces n where n.namespace_pk = audit_log.namespace_pk) as namespace
         from audit_log
         where namespace_pk = $1 and audit_pk < $2
           and ($3::text is null or lower(actor) = lower($3)) and ($4::text is null or action = $4)
           and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)
         order by audit_pk desc limit $7",
        namespace_pk,
        before,
        wanted.actor.as_deref(),
        wanted.action.as_deref(),
        wanted.from,
        wanted.until,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A line of the log of an account or organisation.
///
/// # Errors
/// The database does not answer.
pub async fn find(pool: &PgPool, namespace_pk: i64, audit_pk: i64) -> sqlx::Result<Option<AuditRow>> {
    sqlx::query_as!(
        AuditRow,
        "select audit_pk, created_at, actor, via, token, address, action, subject, details,
                (select name from namespaces n where n.namespace_pk = audit_log.namespace_pk) as namespace
         from audit_log where namespace_pk = $1 and audit_pk = $2",
        namespace_pk,
        audit_pk
    )
    .fetch_optional(pool)
    .await
}

/// A part of all logs, newest first, before a line.
///
/// # Errors
/// The database does not answer.
pub async fn list_all(pool: &PgPool, wanted: &Wanted, before: i64, limit: i64) -> sqlx::Result<Vec<AuditRow>> {
    sqlx::query_as!(
        AuditRow,
        "select audit_pk, created_at, actor, via, token, address, action, subject, details,
                (select name from namespaces n where n.namespace_pk = audit_log.namespace_pk) as namespace
         from audit_log
         where audit_pk < $1 and ($2::text is null or lower(actor) = lower($2)) and ($3::text is null or action = $3)
           and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)
         order by audit_pk desc limit $6",
        before,
        wanted.actor.as_deref(),
        wanted.action.as_deref(),
        wanted.from,
        wanted.until,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Removes lines that are older; tells how many.
///
/// # Errors
/// The database does not answer.
pub async fn delete_before(conn: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    sqlx::query_scalar!("select set_config('hub.audit_retention', 'on', true)").fetch_one(&mut *conn).await?;
    let done = sqlx::query!(
        "delete from audit_log where audit_pk in (select audit_pk from audit_log where created_at < $1 order by created_at limit $2)",
        before,
        limit
    );
    Ok(done.execute(conn).await?.rows_affected())
}
