//! Statements that decide about requests.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::RequestStatus;

/// A user by name.
#[derive(Debug, Clone)]
pub struct NamedUser {
    /// The key.
    pub user_pk: i64,
    /// The name.
    pub name: String,
}

/// Finds users by their names in lower case, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn find_users(pool: &PgPool, names: &[String]) -> sqlx::Result<Vec<NamedUser>> {
    sqlx::query_as!(
        NamedUser,
        "select u.user_pk, n.name from namespaces n join users u on u.user_pk = n.namespace_pk where lower(n.name) = any($1)",
        names
    )
    .fetch_all(pool)
    .await
}

/// A decision.
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// Where the requests stand from now on.
    pub status: RequestStatus,
    /// Why they are turned down.
    pub reason: Option<&'a str>,
    /// Who decides.
    pub decided_by: i64,
}

/// A request that was decided about.
#[derive(Debug, Clone)]
pub struct DecidedRow {
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Whose it is.
    pub user_pk: i64,
    /// Their name.
    pub user_name: String,
    /// Whether they were let in without asking.
    pub granted: bool,
    /// When it was decided about now; nothing: it waits.
    pub decided_at: Option<DateTime<Utc>>,
    /// Where it stood before.
    pub old_status: RequestStatus,
    /// Why it had been turned down.
    pub old_reason: Option<String>,
    /// When it had been decided about.
    pub old_decided_at: Option<DateTime<Utc>>,
    /// By whom.
    pub old_decided_by: Option<String>,
}

/// Decides about the requests of these people, and those of these ids, unless they stand so already. Gives those that changed.
///
/// # Errors
/// The database does not answer.
pub async fn decide(
    conn: &mut PgConnection,
    repo_pk: i64,
    user_pks: &[i64],
    public_ids: &[String],
    decision: &NewDecision<'_>,
) -> sqlx::Result<Vec<DecidedRow>> {
    // Rows are locked in one order, or two who decide about the same people would wait for each other.
    sqlx::query_as!(
        DecidedRow,
        r#"with wanted as (
             select access_request_pk, status, rejection_reason, decided_at, decided_by from access_requests
             where repo_pk = $1 and (user_pk = any($2) or public_id = any($3)) and status <> $4
             order by access_request_pk for update
         )
         update access_requests r
         set status = $4, rejection_reason = $5, decided_at = case when $4 <> 'pending' then now() end, decided_by = $6
         from wanted w where r.access_request_pk = w.access_request_pk
         returning r.public_id, r.user_pk, r.granted, r.decided_at as "decided_at?",
                   (select name from namespaces where namespace_pk = r.user_pk) as "user_name!",
                   w.status as "old_status!: RequestStatus", w.rejection_reason as "old_reason?", w.decided_at as "old_decided_at?",
                   (select name from namespaces where namespace_pk = w.decided_by) as "old_decided_by?""#,
        repo_pk,
        user_pks,
        public_ids,
        decision.status as RequestStatus,
        decision.reason,
        decision.decided_by
    )
    .fetch_all(conn)
    .await
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub struct GrantedRow {
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Whether they had not asked.
    pub never_asked: bool,
    /// When it was.
    pub decided_at: DateTime<Utc>,
}

/// Lets somebody in; nothing when they are in already, or their account is gone.
///
/// # Errors
/// The database does not answer.
pub async fn grant(conn: &mut PgConnection, repo_pk: i64, user_pk: i64, decided_by: i64) -> sqlx::Result<Option<GrantedRow>> {
    sqlx::query_as!(
        GrantedRow,
        r#"insert into access_requests as r (repo_pk, user_pk, status, granted, decided_at, decided_by)
         select $1::bigint, user_pk, 'accepted', true, now(), $3::bigint from users where user_pk = $2 for key share
         on conflict (repo_pk, user_pk) do update
         set status = 'accepted', rejection_reason = null, decided_at = now(), decided_by = $3
         where r.status <> 'accepted'
         returning public_id, granted as never_asked, decided_at as "decided_at!""#,
        repo_pk,
        user_pk,
        decided_by
    )
    .fetch_optional(conn)
    .await
}
