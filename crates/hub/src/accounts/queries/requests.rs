//! Statements on requests to join organisations.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::UserPk;

/// Somebody who asks to join an organisation.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The key.
    pub request_pk: i64,
    /// The user name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// What they wrote, possibly nothing.
    pub message: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How a request of a user stands.
#[derive(Debug, Clone, Copy)]
pub struct RequestStanding {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was rejected; nothing while it is open.
    pub rejected_at: Option<DateTime<Utc>>,
}

/// How a user's request to an organisation stands, if there is one.
///
/// # Errors
/// The database does not answer.
pub async fn find_request_of(pool: &PgPool, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<Option<RequestStanding>> {
    sqlx::query_as!(
        RequestStanding,
        "select created_at, rejected_at from organization_requests where organization_pk = $1 and user_pk = $2",
        organization_pk,
        user_pk
    )
    .fetch_optional(pool)
    .await
}

/// The open requests of an organisation, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_requests(pool: &PgPool, organization_pk: i64, limit: i64) -> sqlx::Result<Vec<RequestRow>> {
    sqlx::query_as!(
        RequestRow,
        "select r.request_pk, n.name, u.fullname, r.message, r.created_at
         from organization_requests r join users u using (user_pk) join namespaces n on n.namespace_pk = r.user_pk
         where r.organization_pk = $1 and r.rejected_at is null order by r.request_pk limit $2",
        organization_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Counts the open requests of an organisation, up to `most`.
///
/// # Errors
/// The database does not answer.
pub async fn count_requests(conn: impl PgExecutor<'_>, organization_pk: i64, most: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from organization_requests where organization_pk = $1 and rejected_at is null limit $2) some_of_them"#,
        organization_pk,
        most
    )
    .fetch_one(conn)
    .await
}

/// Counts the open requests of a user.
///
/// # Errors
/// The database does not answer.
pub async fn count_requests_of(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from organization_requests where user_pk = $1 and rejected_at is null"#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Makes a request, or makes one that was rejected some days ago anew; tells whether it did.
///
/// # Errors
/// The database does not answer.
pub async fn insert_request(
    conn: &mut PgConnection,
    organization_pk: i64,
    user_pk: UserPk,
    message: &str,
    days: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into organization_requests as r (organization_pk, user_pk, message)
         select o.organization_pk, $2, $3 from organizations o
         where o.organization_pk = $1 and o.takes_requests
           and not exists (select from organization_members m where m.organization_pk = $1 and m.user_pk = $2)
         on conflict (organization_pk, user_pk) do update
             set message = excluded.message, created_at = now(), rejected_at = null
             where r.rejected_at < now() - make_interval(days => $4)",
        organization_pk,
        user_pk,
        message,
        days
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Takes hold of somebody's request, which ends as they become a member: whoever accepts it holds it before that, too.
///
/// # Errors
/// The database does not answer.
pub async fn hold_request(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "select request_pk from organization_requests where organization_pk = $1 and user_pk = $2 for update",
        organization_pk,
        user_pk
    )
    .fetch_optional(conn)
    .await
    .map(|_| ())
}

/// Ends an open request of an organisation, and tells whose it was.
///
/// # Errors
/// The database does not answer.
pub async fn delete_request(conn: &mut PgConnection, organization_pk: i64, request_pk: i64) -> sqlx::Result<Option<UserPk>> {
    sqlx::query_scalar!(
        "delete from organization_requests where organization_pk = $1 and request_pk = $2 and rejected_at is null returning user_pk",
        organization_pk,
        request_pk
    )
    .fetch_optional(conn)
    .await
}

/// Ends the open request of a user to an organisation, and tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_request_of(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from organization_requests where organization_pk = $1 and user_pk = $2 and rejected_at is null",
        organization_pk,
        user_pk
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Rejects an open request of an organisation, and tells whose it was.
///
/// # Errors
/// The database does not answer.
pub async fn reject_request(conn: &mut PgConnection, organization_pk: i64, request_pk: i64) -> sqlx::Result<Option<UserPk>> {
    sqlx::query_scalar!(
        "update organization_requests set rejected_at = now()
         where organization_pk = $1 and request_pk = $2 and rejected_at is null returning user_pk",
        organization_pk,
        request_pk
    )
    .fetch_optional(conn)
    .await
}
