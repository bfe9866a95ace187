//! Statements that list and count requests.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::RequestStatus;
use crate::repos::visibility::Visibility;
use crate::web::cursor::TimeCursor;

/// How many requests of a repository stand so.
#[derive(Debug, Clone)]
pub struct StatusCount {
    /// Where they stand.
    pub status: RequestStatus,
    /// How many.
    pub count: i64,
}

/// Counts the requests of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_status(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Vec<StatusCount>> {
    sqlx::query_as!(
        StatusCount,
        r#"select status as "status: RequestStatus", count(*) as "count!" from access_requests where repo_pk = $1 group by status"#,
        repo_pk
    )
    .fetch_all(pool)
    .await
}

/// A request, for those who decide.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The key.
    pub access_request_pk: i64,
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Who asks.
    pub user_pk: i64,
    /// Their name.
    pub user_name: String,
    /// Their full name, possibly empty.
    pub fullname: String,
    /// Their address; not of those who never asked.
    pub email: Option<String>,
    /// Where it stands.
    pub status: RequestStatus,
    /// What they wrote.
    pub answers: Value,
    /// Why it was turned down.
    pub rejection_reason: Option<String>,
    /// When they asked, or were let in.
    pub requested_at: DateTime<Utc>,
    /// When it was decided about.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who did; nobody where everybody is let in.
    pub decided_by: Option<String>,
}

impl RequestRow {
    /// The name to call them by.
    pub fn shown_name(&self) -> &str {
        if self.fullname.is_empty() { &self.user_name } else { &self.fullname }
    }

    /// Its place in a list.
    pub fn cursor(&self) -> TimeCursor {
        TimeCursor { at: self.requested_at, pk: self.access_request_pk }
    }
}

/// Lists the requests of a repository that stand so, the newest first; with `search`, of people whose name has it.
///
/// # Errors
/// The database does not answer.
pub async fn list_requests(
    pool: &PgPool,
    repo_pk: i64,
    status: RequestStatus,
    search: Option<&str>,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<RequestRow>> {
    sqlx::query_as!(
        RequestRow,
        r#"select r.access_request_pk, r.public_id, r.user_pk, n.name as user_name, u.fullname,
                  case when not r.granted then u.email end as email, r.status as "status: RequestStatus", r.answers,
                  r.rejection_reason, r.requested_at, r.decided_at, d.name as "decided_by?"
           from access_requests r join users u using (user_pk) join namespaces n on n.namespace_pk = r.user_pk
           left join namespaces d on d.namespace_pk = r.decided_by
           where r.repo_pk = $1 and r.status = $2
             and ($3::text is null or position(lower($3) in lower(n.name)) > 0 or position(lower($3) in lower(u.fullname)) > 0)
             and (r.requested_at, r.access_request_pk) < (coalesce($4, 'infinity'::timestamptz), $5)
           order by r.requested_at desc, r.access_request_pk desc limit $6"#,
        repo_pk,
        status as RequestStatus,
        search,
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A request, for who asked.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OwnRequestRow {
    /// The key.
    pub access_request_pk: i64,
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Where it stands.
    pub status: RequestStatus,
    /// Why it was turned down.
    pub rejection_reason: Option<String>,
    /// When they asked, or were let in.
    pub requested_at: DateTime<Utc>,
}

/// Lists the requests of somebody, as far as they may see what they are about, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_own(
    pool: &PgPool,
    visible: &Visibility,
    user_pk: i64,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<OwnRequestRow>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select a.access_request_pk, r.repo_type, n.name as namespace, r.name, a.status, a.rejection_reason, a.requested_at
         from access_requests a join repos r using (repo_pk) join namespaces n using (namespace_pk) where a.user_pk = ",
    );
    sql.push_bind(user_pk).push(" and (a.requested_at, a.access_request_pk) < (coalesce(").push_bind(after.before());
    sql.push(", 'infinity'::timestamptz), ").push_bind(after.pk).push(")");
    visible.push(&mut sql);
    sql.push(" order by a.requested_at desc, a.access_request_pk desc limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// Everything that people were asked for by a repository, by label; at most so many.
///
/// # Errors
/// The database does not answer.
pub async fn list_labels(pool: &PgPool, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct label as "label!" from access_requests cross join lateral jsonb_object_keys(answers) as label
           where repo_pk = $1 order by 1 limit $2"#,
        repo_pk,
        limit
    )
    .fetch_all(pool)
    .await
}
