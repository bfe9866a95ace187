//! Statements on who follows whom.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::web::cursor::TimeCursor;

/// Notes that a user follows somebody.
///
/// # Errors
/// The database does not answer.
pub async fn insert_follow(pool: &PgPool, follower_pk: i64, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into follows (follower_pk, namespace_pk) values ($1, $2) on conflict do nothing",
        follower_pk,
        namespace_pk
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Notes that a user follows somebody no longer.
///
/// # Errors
/// The database does not answer.
pub async fn delete_follow(pool: &PgPool, follower_pk: i64, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from follows where follower_pk = $1 and namespace_pk = $2", follower_pk, namespace_pk)
        .execute(pool)
        .await
        .map(|_| ())
}

/// Followers in numbers.
#[derive(Debug, Clone, Copy)]
pub struct FollowCounts {
    /// How many follow it.
    pub followers: i64,
    /// How many it follows.
    pub following: i64,
    /// Whether the viewer does.
    pub is_following: bool,
}

/// Counts who follows a namespace, and whom it follows.
///
/// # Errors
/// The database does not answer.
pub async fn count_follows(pool: &PgPool, namespace_pk: i64, viewer_pk: Option<i64>) -> sqlx::Result<FollowCounts> {
    sqlx::query_as!(
        FollowCounts,
        r#"select (select count(*) from follows where namespace_pk = $1) as "followers!",
                  (select count(*) from follows where follower_pk = $1) as "following!",
                  exists (select 1 from follows where namespace_pk = $1 and follower_pk = $2) as "is_following!""#,
        namespace_pk,
        viewer_pk
    )
    .fetch_one(pool)
    .await
}

/// Somebody who follows, or is followed.
#[derive(Debug, Clone)]
pub struct FollowRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name.
    pub name: String,
    /// `user` or `organization`.
    pub kind: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Whether the viewer follows them.
    pub is_following: bool,
}

/// Lists who follows a namespace, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_followers(
    pool: &PgPool,
    namespace_pk: i64,
    viewer_pk: Option<i64>,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<FollowRow>> {
    sqlx::query_as!(
        FollowRow,
        r#"select n.namespace_pk, n.name, n.kind, u.fullname, f.created_at,
                  exists (select 1 from follows v where v.follower_pk = $2 and v.namespace_pk = n.namespace_pk) as "is_following!"
           from follows f join namespaces n on n.namespace_pk = f.follower_pk join users u on u.user_pk = f.follower_pk
           where f.namespace_pk = $1 and (f.created_at, f.follower_pk) < (coalesce($3, 'infinity'::timestamptz), $4)
           order by f.created_at desc, f.follower_pk desc limit $5"#,
        namespace_pk,
        viewer_pk,
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Lists whom a user follows, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_following(
    pool: &PgPool,
    follower_pk: i64,
    viewer_pk: Option<i64>,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<FollowRow>> {
    sqlx::query_as!(
        FollowRow,
        r#"select n.namespace_pk, n.name, n.kind, coalesce(u.fullname, o.fullname, '') as "fullname!", f.created_at,
                  exists (select 1 from follows v where v.follower_pk = $2 and v.namespace_pk = n.namespace_pk) as "is_following!"
           from follows f join namespaces n using (namespace_pk) left join users u on u.user_pk = n.namespace_pk
           left join organizations o on o.organization_pk = n.namespace_pk
           where f.follower_pk = $1 and n.kind <> 'deleted' and (f.created_at, f.namespace_pk) < (coalesce($3, 'infinity'::timestamptz), $4)
           order by f.created_at desc, f.namespace_pk desc limit $5"#,
        follower_pk,
        viewer_pk,
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}
