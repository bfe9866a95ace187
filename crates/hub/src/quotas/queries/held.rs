//! Statements on what the repositories of one owner hold, those that were deleted and can come back among them.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::PgPool;

/// A repository, and what it holds.
#[derive(Debug, Clone)]
pub struct HeldRow {
    /// Its type.
    pub repo_type: RepoType,
    /// Its name.
    pub name: String,
    /// Whether only members see it.
    pub private: bool,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The files of its default branch; of a bucket all.
    pub newest_bytes: i64,
    /// Large files and git packs of all versions, and files in discussions.
    pub bytes: i64,
}

/// The repositories of an owner, those that hold most first: those that are there, and deleted ones whose files were not removed yet.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, namespace_pk: i64, limit: i64, offset: i64) -> sqlx::Result<Vec<HeldRow>> {
    sqlx::query_as!(
        HeldRow,
        r#"select r.repo_type as "repo_type!: RepoType", r.name as "name!", r.private as "private!", r.deleted_at,
                  r.size_bytes as "newest_bytes!",
                  greatest(coalesce(s.bytes, 0) + coalesce((select sum(c.bytes) from repo_size_changes c where c.repo_pk = r.repo_pk), 0),
                           0)::bigint as "bytes!"
           from repos r left join repo_sizes s on s.repo_pk = r.repo_pk
           where r.namespace_pk = $1 and r.purged_at is null
           order by 6 desc, r.repo_pk desc limit $2 offset $3"#,
        namespace_pk,
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}

/// What an owner's repositories hold together.
#[derive(Debug, Clone)]
pub struct HeldSums {
    /// Those that are there.
    pub bytes: i64,
    /// Of that, files in their discussions.
    pub attachment_bytes: i64,
    /// How many were deleted and are kept.
    pub deleted_repos: i64,
    /// What those hold.
    pub deleted_bytes: i64,
    /// When the first of them was deleted.
    pub first_deleted_at: Option<DateTime<Utc>>,
}

/// Adds up what an owner's repositories hold.
///
/// # Errors
/// The database does not answer.
pub async fn sum(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<HeldSums> {
    sqlx::query_as!(
        HeldSums,
        r#"with held as (
               select r.repo_pk, r.deleted_at,
                      greatest(coalesce(s.bytes, 0)
                               + coalesce((select sum(c.bytes) from repo_size_changes c where c.repo_pk = r.repo_pk), 0), 0) as bytes
               from repos r left join repo_sizes s on s.repo_pk = r.repo_pk
               where r.namespace_pk = $1 and r.purged_at is null
           )
           select coalesce(sum(bytes) filter (where deleted_at is null), 0)::bigint as "bytes!",
                  (select coalesce(sum(a.size_bytes), 0) from attachments a join held h on h.repo_pk = a.repo_pk
                   where h.deleted_at is null)::bigint as "attachment_bytes!",
                  count(*) filter (where deleted_at is not null) as "deleted_repos!",
                  coalesce(sum(bytes) filter (where deleted_at is not null), 0)::bigint as "deleted_bytes!",
                  min(deleted_at) as first_deleted_at
           from held"#,
        namespace_pk
    )
    .fetch_one(pool)
    .await
}
