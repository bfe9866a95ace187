//! Statements that take decisions back, and those that make that possible.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::RequestStatus;
use crate::repos::gating::Standing;

/// How somebody's request stands, which stays so until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_standing(conn: &mut PgConnection, repo_pk: i64, user_pk: i64) -> sqlx::Result<Option<Standing>> {
    // The account first, as [`grant`] and whatever deletes an account do, or they would wait for each other.
    sqlx::query!("select user_pk from users where user_pk = $1 for key share", user_pk).fetch_optional(&mut *conn).await?;
    sqlx::query_as!(
        Standing,
        r#"select status as "status: RequestStatus", rejection_reason as reason, decided_at as at,
                  (select name from namespaces where namespace_pk = decided_by) as by
           from access_requests where repo_pk = $1 and user_pk = $2 for update"#,
        repo_pk,
        user_pk
    )
    .fetch_optional(conn)
    .await
}

/// How a request stands, which stays so until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_request(conn: &mut PgConnection, repo_pk: i64, public_id: &str) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"select status as "status: RequestStatus", rejection_reason as reason, decided_at as at,
                  (select name from namespaces where namespace_pk = decided_by) as by
           from access_requests where repo_pk = $1 and public_id = $2 for update"#,
        repo_pk,
        public_id
    )
    .fetch_optional(conn)
    .await
}

/// Whether a request was decided about after a change. Decisions that were taken back do not count, nor what took them back.
///
/// # Errors
/// The database does not answer.
pub async fn was_decided_since(conn: &mut PgConnection, repo_pk: i64, public_id: &str, change_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from repo_changes where repo_pk = $1 and kind = 'decide_access' and details ->> 'request' = $2
                          and change_pk > $3 and undone_at is null and undoes is null) as "was!""#,
        repo_pk,
        public_id,
        change_pk
    )
    .fetch_one(conn)
    .await
}

/// Has a request stand as it did, and gives whose it is. Who decided may have another name by now, or no account.
///
/// # Errors
/// The database does not answer.
pub async fn put_back(conn: &mut PgConnection, repo_pk: i64, public_id: &str, was: &Standing) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "update access_requests
         set status = $3, rejection_reason = $4, decided_at = $5,
             decided_by = (select user_pk from users where user_pk = coalesce(
                 (select namespace_pk from namespaces where lower(name) = lower($6)),
                 (select namespace_pk from retired_names where name_key = lower($6))))
         where repo_pk = $1 and public_id = $2 returning user_pk",
        repo_pk,
        public_id,
        was.status as RequestStatus,
        was.reason.as_deref(),
        was.at,
        was.by.as_deref()
    )
    .fetch_optional(conn)
    .await
}

/// Removes somebody who was let in without asking, and gives who it was.
///
/// # Errors
/// The database does not answer.
pub async fn delete_granted(conn: &mut PgConnection, repo_pk: i64, public_id: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "delete from access_requests where repo_pk = $1 and public_id = $2 and granted returning user_pk",
        repo_pk,
        public_id
    )
    .fetch_optional(conn)
    .await
}

/// Lets somebody in again who was removed, and gives who it is; nothing when they have asked meanwhile, or their account is gone.
///
/// # Errors
/// The database does not answer.
pub async fn grant_again(
    conn: &mut PgConnection,
    repo_pk: i64,
    public_id: &str,
    user: &str,
    was: &Standing,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into access_requests (repo_pk, public_id, user_pk, status, granted, rejection_reason, decided_at, decided_by)
         select $1::bigint, $2::text, u.user_pk, $4::text, true, $5::text, $6::timestamptz,
                (select user_pk from users where user_pk = coalesce(
                    (select namespace_pk from namespaces where lower(name) = lower($7)),
                    (select namespace_pk from retired_names where name_key = lower($7))))
         from users u where u.user_pk = coalesce(
             (select namespace_pk from namespaces where lower(name) = lower($3)),
             (select namespace_pk from retired_names where name_key = lower($3))) for key share of u
         on conflict (repo_pk, user_pk) do nothing returning user_pk",
        repo_pk,
        public_id,
        user,
        was.status as RequestStatus,
        was.reason.as_deref(),
        was.at,
        was.by.as_deref()
    )
    .fetch_optional(conn)
    .await
}

/// A decision that can be taken back.
#[derive(Debug, Clone)]
pub struct LastDecision {
    /// The `requestId` that clients see.
    pub public_id: String,
    /// The change.
    pub change_pk: i64,
}

/// The last decisions about these requests, as far as they were made since a time and took none back themselves.
///
/// # Errors
/// The database does not answer.
pub async fn list_last_decisions(
    pool: &PgPool,
    repo_pk: i64,
    public_ids: &[String],
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<LastDecision>> {
    sqlx::query_as!(
        LastDecision,
        r#"select request as "public_id!", change_pk as "change_pk!" from (
               select distinct on (details ->> 'request') details ->> 'request' as request, change_pk, created_at, undoes, undone_at
               from repo_changes where repo_pk = $1 and kind = 'decide_access' and details ->> 'request' = any($2)
               order by details ->> 'request', change_pk desc
           ) last where undoes is null and undone_at is null and created_at > $3"#,
        repo_pk,
        public_ids,
        since
    )
    .fetch_all(pool)
    .await
}

/// Forgets some decisions of before a time; tells how many.
///
/// # Errors
/// The database does not answer.
pub async fn forget_decisions(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from repo_changes where change_pk in (
             select change_pk from repo_changes where kind = 'decide_access' and created_at < $1 order by created_at limit $2)",
        before,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}
