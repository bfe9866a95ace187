//! Statements on repositories that hold large files without use, and on deleted ones.

use chrono::{DateTime, Utc};
use hub_types::Sha256;
use sqlx::{PgConnection, PgPool};

/// Repositories that may have large files without use: whose refs moved since they were last looked through (a day is
/// added for transactions that took long), some of whose files were too young then, or whose former histories could still be
/// put back.
pub(in crate::gc) async fn list_repos_to_check(
    pool: &PgPool,
    before: DateTime<Utc>,
    undoable_since: DateTime<Utc>,
    after_pk: i64,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select repo_pk from repos r
         where deleted_at is null and repo_pk > $2
           and exists (select from repo_lfs_objects l where l.repo_pk = r.repo_pk and l.wanted_at < $1)
           and (large_files_checked_at is null
               or exists (select from events e
                          where e.repo_pk = r.repo_pk and e.created_at > large_files_checked_at - interval '1 day')
               or exists (select from repo_lfs_objects l
                          where l.repo_pk = r.repo_pk and l.wanted_at < $1 and l.wanted_at >= large_files_checked_before)
               or exists (select from repo_changes c
                          where c.repo_pk = r.repo_pk and c.old_oid is not null and c.created_at < $4
                            and c.created_at >= coalesce(changes_checked_before, '-infinity'::timestamptz)))
         order by repo_pk limit $3",
        before,
        after_pk,
        limit,
        undoable_since
    )
    .fetch_all(pool)
    .await
}

pub(in crate::gc) async fn list_old_links(
    pool: &PgPool,
    repo_pk: i64,
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<(Sha256, i64)>> {
    let rows = sqlx::query!(
        r#"select oid as "oid: Sha256", size_bytes from repo_lfs_objects join lfs_objects using (oid)
           where repo_pk = $1 and wanted_at < $2"#,
        repo_pk,
        before
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.oid, row.size_bytes)).collect())
}

/// Keeps the commit point out until the transaction ends; `false` when the repository is deleted.
pub(in crate::gc) async fn lock_repo(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    // Not out are links to large files: an upload that asks for old ones and new ones holds the old while the new come.
    let found =
        sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 and deleted_at is null for no key update", repo_pk);
    Ok(found.fetch_optional(conn).await?.is_some())
}

pub(in crate::gc) async fn lock_old_links(
    conn: &mut PgConnection,
    repo_pk: i64,
    oids: &[Sha256],
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<Sha256>> {
    sqlx::query_scalar!(
        r#"select oid as "oid: Sha256" from repo_lfs_objects
           where repo_pk = $1 and oid = any($2) and wanted_at < $3 order by oid for update"#,
        repo_pk,
        oids as &[Sha256],
        before
    )
    .fetch_all(conn)
    .await
}

pub(in crate::gc) async fn set_checked(
    conn: &mut PgConnection,
    repo_pk: i64,
    at: DateTime<Utc>,
    before: DateTime<Utc>,
    undoable_since: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set large_files_checked_at = $2, large_files_checked_before = $3, changes_checked_before = $4
         where repo_pk = $1",
        repo_pk,
        at,
        before,
        undoable_since
    )
    .execute(conn)
    .await
    .map(|_| ())
}

pub(in crate::gc) async fn list_deleted_links(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select o.size_bytes from repo_lfs_objects join lfs_objects o using (oid) join repos using (repo_pk) where deleted_at < $1",
        before
    )
    .fetch_all(pool)
    .await
}

pub(in crate::gc) async fn list_deleted_repos(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select repo_pk from repos r
         where deleted_at < $1 and (purged_at is null or exists (select from repo_lfs_objects l where l.repo_pk = r.repo_pk)
                                    or exists (select from repo_packs p where p.repo_pk = r.repo_pk))
         order by repo_pk",
        before
    )
    .fetch_all(pool)
    .await
}

pub(in crate::gc) async fn lock_deleted_repo(conn: &mut PgConnection, repo_pk: i64, before: DateTime<Utc>) -> sqlx::Result<bool> {
    let found =
        sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 and deleted_at < $2 for update", repo_pk, before);
    Ok(found.fetch_optional(conn).await?.is_some())
}

pub(in crate::gc) async fn unlink_all(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query!("delete from repo_packs where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    // What a bucket shows keeps hold of its large files.
    sqlx::query!("delete from bucket_files where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    sqlx::query_scalar!(
        "with going as (select oid from repo_lfs_objects where repo_pk = $1 order by oid for update)
         delete from repo_lfs_objects l using going, lfs_objects o
         where l.repo_pk = $1 and l.oid = going.oid and o.oid = l.oid returning o.size_bytes",
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Removes what is left of the contents of a deleted repository. Its row stays: its name is not somebody else's to take.
pub(in crate::gc) async fn forget_contents(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from refs where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    // First all that goes with discussions, in the orders in which moderators and readers hold it.
    sqlx::query!("select discussion_pk from discussions where repo_pk = $1 order by discussion_pk for update", repo_pk)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!(
        "select event_pk from discussion_events e join discussions d using (discussion_pk) where d.repo_pk = $1
         order by event_pk for update of e",
        repo_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "select notification_pk from notifications where repo_pk = $1 and discussion_pk is not null
         order by user_pk, notification_pk for update",
        repo_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("delete from discussions where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    sqlx::query!("update deleted_discussions set contents = null, author_pk = null where repo_pk = $1", repo_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from repo_texts where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from repo_scanned_blobs where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    sqlx::query!("delete from bucket_scans_due where repo_pk = $1", repo_pk).execute(&mut *conn).await?;
    sqlx::query!(
        "update repos set purged_at = now(), card = null, tags = '{}', facts = '{}', siblings = '{}' where repo_pk = $1",
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}
