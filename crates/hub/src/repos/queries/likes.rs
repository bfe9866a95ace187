//! Statements on likes.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};

use crate::repos::visibility::Visibility;
use crate::web::cursor::TimeCursor;

/// Notes a like; `false` when it was there.
///
/// # Errors
/// The database does not answer.
pub async fn insert_like(conn: &mut PgConnection, repo_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("insert into likes (repo_pk, user_pk) values ($1, $2) on conflict do nothing", repo_pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Takes a like back; `false` when there was none.
///
/// # Errors
/// The database does not answer.
pub async fn delete_like(conn: &mut PgConnection, repo_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from likes where repo_pk = $1 and user_pk = $2", repo_pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Changes the number of likes, and gives it.
///
/// # Errors
/// The database does not answer.
pub async fn add_to_likes(conn: &mut PgConnection, repo_pk: i64, change: i64) -> sqlx::Result<i64> {
    if change == 0 {
        return sqlx::query_scalar!("select likes from repo_counters where repo_pk = $1", repo_pk).fetch_one(conn).await;
    }
    sqlx::query_scalar!("update repo_counters set likes = likes + $2 where repo_pk = $1 returning likes", repo_pk, change)
        .fetch_one(conn)
        .await
}

/// Whether a user likes a repository.
///
/// # Errors
/// The database does not answer.
pub async fn is_liked(pool: &PgPool, repo_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from likes where repo_pk = $1 and user_pk = $2) as "liked!""#,
        repo_pk,
        user_pk
    )
    .fetch_one(pool)
    .await
}

/// Somebody who likes a repository.
#[derive(Debug, Clone)]
pub struct LikerRow {
    /// Their key.
    pub user_pk: i64,
    /// Their name.
    pub name: String,
    /// Their full name, possibly empty.
    pub fullname: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Lists who likes a repository, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_likers(pool: &PgPool, repo_pk: i64, after: TimeCursor, limit: i64) -> sqlx::Result<Vec<LikerRow>> {
    sqlx::query_as!(
        LikerRow,
        "select l.user_pk, n.name, u.fullname, l.created_at from likes l join users u using (user_pk)
         join namespaces n on n.namespace_pk = l.user_pk
         where l.repo_pk = $1 and (l.created_at, l.user_pk) < (coalesce($2, 'infinity'::timestamptz), $3)
         order by l.created_at desc, l.user_pk desc limit $4",
        repo_pk,
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A repository that somebody likes.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LikedRow {
    /// Its key.
    pub repo_pk: i64,
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Lists what a user likes, the latest first, as far as the viewer may see it.
///
/// # Errors
/// The database does not answer.
pub async fn list_liked(
    pool: &PgPool,
    visible: &Visibility,
    user_pk: i64,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<LikedRow>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select l.repo_pk, r.repo_type, n.name as namespace, r.name, l.created_at from likes l join repos r using (repo_pk)
         join namespaces n using (namespace_pk) where l.user_pk = ",
    );
    sql.push_bind(user_pk).push(" and (l.created_at, l.repo_pk) < (coalesce(").push_bind(after.before());
    sql.push(", 'infinity'::timestamptz), ").push_bind(after.pk).push(")");
    visible.push(&mut sql);
    sql.push(" order by l.created_at desc, l.repo_pk desc limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// Counts what a user likes, as far as the viewer may see it.
///
/// # Errors
/// The database does not answer.
pub async fn count_liked(pool: &PgPool, visible: &Visibility, user_pk: i64) -> sqlx::Result<i64> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select count(*) from likes l join repos r using (repo_pk) join namespaces n using (namespace_pk) where l.user_pk = ",
    );
    sql.push_bind(user_pk);
    visible.push(&mut sql);
    sql.build_query_scalar().fetch_one(pool).await
}
