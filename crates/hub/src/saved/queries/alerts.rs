//! Statements on what is new in saved searches, and on who has been told.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::{PgConnection, PgPool};

use super::SavedSearch;
use crate::saved::operations::Alerts;

/// A saved search whose time to be looked at has come.
#[derive(Debug)]
pub struct DueRow {
    /// The key.
    pub saved_search_pk: i64,
    /// Whose it is.
    pub user_pk: i64,
    /// Which list.
    pub repo_type: RepoType,
    /// What narrows it.
    pub query: String,
    /// When mails tell what is new.
    pub alerts: Alerts,
    /// Up to which moment was looked.
    pub looked_until: DateTime<Utc>,
    /// When it was due.
    pub due_at: DateTime<Utc>,
}

/// Takes some that were due at a moment, for `lease_secs`: nodes that ask at the same time get different ones, and those of a node
/// that dies are due again.
///
/// # Errors
/// The database does not answer.
pub async fn take_due(pool: &PgPool, at: DateTime<Utc>, lease_secs: f64, limit: i64) -> sqlx::Result<Vec<DueRow>> {
    sqlx::query_as!(
        DueRow,
        r#"with due as (
               select saved_search_pk, look_at from saved_searches where look_at <= $1 order by look_at limit $3
               for update skip locked
           )
           update saved_searches s set look_at = now() + make_interval(secs => $2) from due
           where s.saved_search_pk = due.saved_search_pk
           returning s.saved_search_pk, s.user_pk, s.repo_type as "repo_type: RepoType", s.query, s.alerts as "alerts: Alerts",
                     s.looked_until, due.look_at as "due_at!""#,
        at,
        lease_secs,
        limit
    )
    .fetch_all(pool)
    .await
}

/// How far one was looked at.
#[derive(Debug)]
pub struct Looked {
    /// The key.
    pub saved_search_pk: i64,
    /// Up to which moment it was looked before; if that is no longer so, somebody changed it, and nothing is noted.
    pub before: DateTime<Utc>,
    /// When to look next.
    pub next: DateTime<Utc>,
}

/// Notes that nothing was found up to a moment.
///
/// # Errors
/// The database does not answer.
pub async fn note_nothing(pool: &PgPool, looked: &[Looked], until: DateTime<Utc>) -> sqlx::Result<()> {
    let keys: Vec<i64> = looked.iter().map(|one| one.saved_search_pk).collect();
    let before: Vec<DateTime<Utc>> = looked.iter().map(|one| one.before).collect();
    let next: Vec<DateTime<Utc>> = looked.iter().map(|one| one.next).collect();
    sqlx::query!(
        "with held as (
             select saved_search_pk from saved_searches where saved_search_pk = any($1) order by saved_search_pk for no key update
         )
         update saved_searches s set looked_until = greatest(s.looked_until, $4), look_at = one.next
         from held join unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) one (pk, before, next)
              on one.pk = held.saved_search_pk
         where s.saved_search_pk = held.saved_search_pk and s.looked_until = one.before and s.alerts <> 'off'",
        &keys,
        &before,
        &next,
        until
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Notes what was found up to a moment, for the next mail. `false` if somebody changed the search meanwhile.
///
/// # Errors
/// The database does not answer.
pub async fn note_found(
    conn: &mut PgConnection,
    looked: &Looked,
    until: DateTime<Utc>,
    repo_pks: &[i64],
    more: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update saved_searches set looked_until = $3, look_at = $4, waiting = waiting || $5, waiting_more = waiting_more + $6
         where saved_search_pk = $1 and looked_until = $2 and alerts <> 'off'",
        looked.saved_search_pk,
        looked.before,
        until,
        looked.next,
        repo_pks,
        more
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Takes what waits to be told, for `lease_secs`; nothing when none waits, or another node tells it.
///
/// # Errors
/// The database does not answer.
pub async fn take_waiting(pool: &PgPool, pk: i64, lease_secs: f64) -> sqlx::Result<Option<SavedSearch>> {
    sqlx::query_as!(
        SavedSearch,
        r#"update saved_searches set telling_until = now() + make_interval(secs => $2)
           where saved_search_pk = $1 and waiting <> '{}' and (telling_until is null or telling_until < now())
           returning saved_search_pk, user_pk, name, repo_type as "repo_type: RepoType", query, alerts as "alerts: Alerts",
                     feed_number, seen_at, waiting, waiting_more, mailed_at"#,
        pk,
        lease_secs
    )
    .fetch_optional(pool)
    .await
}

/// Lets go of what was taken and could not be told.
///
/// # Errors
/// The database does not answer.
pub async fn release_waiting(pool: &PgPool, pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update saved_searches set telling_until = null where saved_search_pk = $1", pk).execute(pool).await.map(|_| ())
}

/// Notes that a mail told of what waited. What was found meanwhile stays.
///
/// # Errors
/// The database does not answer.
pub async fn note_told(pool: &PgPool, told: &SavedSearch) -> sqlx::Result<()> {
    sqlx::query!(
        "update saved_searches
         set waiting = array(select pk from unnest(waiting) with ordinality as w (pk, n) where pk <> all($2) order by n),
             waiting_more = greatest(waiting_more - $3, 0), mailed_at = now(), telling_until = null
         where saved_search_pk = $1",
        told.saved_search_pk,
        &told.waiting,
        told.waiting_more
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Forgets what waited: there is nobody who may be told.
///
/// # Errors
/// The database does not answer.
pub async fn forget_waiting(pool: &PgPool, pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update saved_searches set waiting = '{}', waiting_more = 0, telling_until = null where saved_search_pk = $1",
        pk
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// The time of the database, by which repositories are dated.
///
/// # Errors
/// The database does not answer.
pub async fn now(pool: &PgPool) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(pool).await
}

/// A repository that became new to somebody.
#[derive(Debug, Clone, Copy)]
pub struct FreshRow {
    /// The key.
    pub repo_pk: i64,
    /// Which list it is in.
    pub repo_type: RepoType,
    /// Its resource group, or else its owner.
    pub audience: i64,
    /// When it became new.
    pub at: DateTime<Utc>,
    /// Whether to those who see the owner's private repositories.
    pub to_members: bool,
    /// Whether to everybody else.
    pub to_others: bool,
}

/// What became new after `since` and until `until`, the latest first. To members a repository is new when it was made, to others
/// when it became public.
///
/// # Errors
/// The database does not answer.
pub async fn list_fresh(pool: &PgPool, since: DateTime<Utc>, until: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<FreshRow>> {
    sqlx::query_as!(
        FreshRow,
        r#"select repo_pk as "repo_pk!", repo_type as "repo_type!: RepoType", audience as "audience!", at as "at!",
                  to_members as "to_members!", to_others as "to_others!"
           from (
               (select repo_pk, repo_type, coalesce(resource_group_pk, namespace_pk) as audience, created_at as at, true as to_members, published_at is null as to_others
                from repos
                where repo_type in ('model', 'dataset', 'space') and created_at > $1 and created_at <= $2
                  and deleted_at is null and not disabled and not unlisted
                order by created_at desc limit $3)
               union all
               (select repo_pk, repo_type, coalesce(resource_group_pk, namespace_pk), published_at, false, true
                from repos
                where repo_type in ('model', 'dataset', 'space') and published_at > $1 and published_at <= $2
                  and deleted_at is null and not disabled and not unlisted
                order by published_at desc limit $3)
           ) fresh
           order by at desc limit $3"#,
        since,
        until,
        limit
    )
    .fetch_all(pool)
    .await
}
