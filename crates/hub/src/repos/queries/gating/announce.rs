//! Statements on who is told of requests, and of which.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// When the owners of a repository were told of requests last, also of those that were taken back since.
///
/// # Errors
/// The database does not answer.
pub async fn last_told(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select told_at from access_request_mails where repo_pk = $1", repo_pk).fetch_optional(conn).await
}

/// Notes that the owners are told of all requests that wait, and gives who asks, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn take_untold(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"with held as (
               select access_request_pk from access_requests where repo_pk = $1::bigint and told_at is null and status = 'pending'
               order by access_request_pk for no key update
           ), taken as (
               update access_requests r set told_at = now() from held where r.access_request_pk = held.access_request_pk
               returning r.access_request_pk, r.user_pk
           ), told as (
               insert into access_request_mails (repo_pk, told_at) select $1::bigint, now() from taken limit 1
               on conflict (repo_pk) do update set told_at = excluded.told_at
           )
           select n.name as "name!" from taken join namespaces n on n.namespace_pk = taken.user_pk order by access_request_pk"#,
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Who is told of requests for a repository: its owner, or the admins of the organisation and who made it there, if they decide.
///
/// # Errors
/// The database does not answer.
pub async fn list_deciders(conn: &mut PgConnection, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select u.user_pk as "user_pk!" from repos r join users u on u.user_pk = r.namespace_pk where r.repo_pk = $1
           union
           select m.user_pk from repos r join organization_members m on m.organization_pk = r.namespace_pk
           where r.repo_pk = $1 and not is_locked_out(m.organization_pk, m.user_pk) and (
               m.role = 'admin'
               or (r.resource_group_pk is null and m.role in ('contributor', 'write') and m.user_pk = r.created_by)
               or exists (select from resource_group_members g
                          where g.resource_group_pk = r.resource_group_pk and g.user_pk = m.user_pk
                            and (g.role = 'admin' or (g.role in ('contributor', 'write') and m.user_pk = r.created_by))))
           limit $2"#,
        repo_pk,
        limit
    )
    .fetch_all(conn)
    .await
}
