//! Statements on what was done.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;

use crate::web::cursor::TimeCursor;

/// Whom a user hears of: those they follow, and their organisations. At most a thousand, those followed last.
///
/// # Errors
/// The database does not answer.
pub async fn list_heard_of(pool: &PgPool, user_pk: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"(select organization_pk as "pk!" from organization_members where user_pk = $1)
           union
           (select namespace_pk from follows where follower_pk = $1 order by created_at desc limit 1000)"#,
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Something that was done.
#[derive(Debug, Clone)]
pub struct ActivityRow {
    /// Its key among those of its kind.
    pub pk: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `create`, `commit`, `like` or `collection`.
    pub kind: String,
    /// Who did it, by key.
    pub actor_pk: i64,
    /// With which repository.
    pub repo_pk: Option<i64>,
    /// Or with which collection.
    pub collection_pk: Option<i64>,
}

/// Whose doings are listed, and for whom.
#[derive(Debug)]
pub struct ActivityQuery<'a> {
    /// Users, by what they did, and organisations, by what was done in their repositories (of the fifty that changed last).
    pub namespaces: &'a [i64],
    /// Whose doings are left out.
    pub without: Option<i64>,
    /// Whether the reader sees everything.
    pub sees_all: bool,
    /// The namespaces whose private repositories and collections the reader sees.
    pub sees: &'a [i64],
    /// Where the page begins.
    pub after: TimeCursor,
    /// How many.
    pub limit: i64,
}

/// Lists what was done and may be seen, the latest first. Of each actor and repository the last thousand events are
/// looked at: one who works in private for months must not make every reader wait.
///
/// # Errors
/// The database does not answer.
pub async fn list_activity(pool: &PgPool, query: &ActivityQuery<'_>) -> sqlx::Result<Vec<ActivityRow>> {
    sqlx::query_as!(
        ActivityRow,
        r#"with event as (
               select e.* from unnest($1::bigint[]) as f (pk) cross join lateral (
                   select event_pk, created_at, kind, actor_pk, repo_pk from events
                   where actor_pk = f.pk and kind in ('create_repo', 'duplicate_repo', 'commit', 'push')
                     and (created_at, event_pk) < (coalesce($2, 'infinity'::timestamptz), $3)
                   order by created_at desc, event_pk desc limit 1000
               ) e
               union
               select e.* from (
                   select r.repo_pk from repos r join organizations o on o.organization_pk = r.namespace_pk
                   where r.namespace_pk = any($1) and r.deleted_at is null and r.created_at < coalesce($2, 'infinity'::timestamptz)
                   order by r.last_modified_at desc limit 5000
               ) r
               cross join lateral (
                   select event_pk, created_at, kind, actor_pk, repo_pk from events
                   where repo_pk = r.repo_pk and kind in ('create_repo', 'duplicate_repo', 'commit', 'push') and actor_pk is not null
                     and (created_at, event_pk) < (coalesce($2, 'infinity'::timestamptz), $3)
                   order by event_pk desc limit $4
               ) e
           ), liked as (
               select l.* from unnest($1::bigint[]) as f (pk) cross join lateral (
                   select repo_pk, user_pk, created_at from likes
                   where user_pk = f.pk and (created_at, repo_pk) < (coalesce($2, 'infinity'::timestamptz), $3)
                   order by created_at desc, repo_pk desc limit 1000
               ) l
           ), collected as (
               select collection_pk, coalesce(created_by, namespace_pk) as actor_pk, created_at from collections
               where namespace_pk = any($1) and (created_at, collection_pk) < (coalesce($2, 'infinity'::timestamptz), $3)
                 and ($6 or not private or coalesce(resource_group_pk, namespace_pk) = any($7))
                 and not exists (select from users u where u.user_pk = namespace_pk and u.limited_at is not null and not $6)
                 and not exists (select from organizations o
                                 where o.organization_pk = namespace_pk and o.limited_at is not null and not $6)
               order by created_at desc, collection_pk desc limit 1000
           )
           select pk as "pk!", at as "at!", kind as "kind!", actor_pk as "actor_pk!", repo_pk, collection_pk from (
               select event_pk as pk, created_at as at, case when kind in ('commit', 'push') then 'commit' else 'create' end as kind,
                      actor_pk, repo_pk, null::bigint as collection_pk from event
               union all
               select repo_pk, created_at, 'like', user_pk, repo_pk, null from liked
               union all
               select collection_pk, created_at, 'collection', actor_pk, null, collection_pk from collected
           ) done left join repos r using (repo_pk)
           where actor_pk is distinct from $5
             and (repo_pk is null or (r.deleted_at is null and ($6 or (not r.disabled and (not (r.private or r.unlisted) or coalesce(r.resource_group_pk, r.namespace_pk) = any($7))))))
           order by at desc, pk desc limit $4"#,
        query.namespaces,
        query.after.before(),
        query.after.pk,
        query.limit,
        query.without,
        query.sees_all,
        query.sees
    )
    .fetch_all(pool)
    .await
}

/// A name behind a key.
#[derive(Debug)]
pub struct NameRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name.
    pub name: String,
}

/// The names of namespaces.
///
/// # Errors
/// The database does not answer.
pub async fn list_names(pool: &PgPool, keys: &[i64]) -> sqlx::Result<Vec<NameRow>> {
    sqlx::query_as!(NameRow, "select namespace_pk, name from namespaces where namespace_pk = any($1)", keys).fetch_all(pool).await
}

/// How much was done on a day.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// How many commits and new repositories.
    pub count: i64,
}

/// Counts by day what a user did in public repositories, and what was done in those of an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn count_days(pool: &PgPool, namespace_pk: i64, since: NaiveDate) -> sqlx::Result<Vec<DayRow>> {
    sqlx::query_as!(
        DayRow,
        r#"select (at at time zone 'utc')::date as "day!", count(*) as "count!" from (
               select e.created_at as at from events e join repos r using (repo_pk)
               where e.actor_pk = $1 and e.created_at >= $2::date::timestamp at time zone 'utc'
                 and e.kind in ('create_repo', 'duplicate_repo', 'commit', 'push')
                 and not r.private and not r.disabled and not r.unlisted and r.deleted_at is null
               union all
               select e.created_at from organizations o join repos r on r.namespace_pk = o.organization_pk
               join events e on e.repo_pk = r.repo_pk
               where o.organization_pk = $1 and e.created_at >= $2::date::timestamp at time zone 'utc'
                 and e.kind in ('create_repo', 'duplicate_repo', 'commit', 'push')
                 and not r.private and not r.disabled and not r.unlisted and r.deleted_at is null
           ) done group by 1"#,
        namespace_pk,
        since
    )
    .fetch_all(pool)
    .await
}
