//! Every statement on the tables of large files.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hub_types::{Sha256, XetHash};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::Held;
use crate::jobs::Job;

pub(super) async fn list_held(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashMap<Sha256, Held>> {
    let rows = sqlx::query!(
        r#"select oid as "oid: Sha256", size_bytes, is_plain, file_hash as "file_hash: XetHash" from repo_lfs_objects join lfs_objects using (oid)
           where repo_pk = $1 and oid = any($2)"#,
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await?;
    let held = |size: i64, is_plain, file_hash| Held { size: size.unsigned_abs(), is_plain, file_hash };
    Ok(rows.into_iter().map(|row| (row.oid, held(row.size_bytes, row.is_plain, row.file_hash))).collect())
}

/// Finds an object, whoever has it.
///
/// # Errors
/// The database does not answer.
pub async fn find_placement(conn: impl PgExecutor<'_>, oid: &Sha256) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select size_bytes, is_plain, file_hash as "file_hash: XetHash" from lfs_objects where oid = $1"#,
        oid as &Sha256
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held { size: row.size_bytes.unsigned_abs(), is_plain: row.is_plain, file_hash: row.file_hash }))
}

/// Some repository that has an object.
///
/// # Errors
/// The database does not answer.
pub async fn find_holder(conn: impl PgExecutor<'_>, oid: &Sha256) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select repo_pk from repo_lfs_objects where oid = $1 limit 1", oid as &Sha256).fetch_optional(conn).await
}

/// Notes that an object is verified and lies whole in the store, and that a repository has it; it is put into chunks
/// in the background. `false` when the repository is gone.
pub(super) async fn register(pool: &PgPool, repo_pk: i64, oid: Sha256, size: i64) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    let in_chunks = sqlx::query_scalar!(
        r#"insert into lfs_objects (oid, size_bytes) values ($1, $2) on conflict (oid) do update set is_plain = true
           returning file_hash is not null as "in_chunks!""#,
        oid as Sha256,
        size
    )
    .fetch_one(&mut *tx)
    .await?;
    if !in_chunks && size > 0 {
        Job::PutInChunks { oid }.enqueue(&mut tx).await?;
    }
    let done = sqlx::query!(
        r#"insert into repo_lfs_objects (repo_pk, oid)
           select repo_pk, $2 from repos where repo_pk = $1 and deleted_at is null
           on conflict (repo_pk, oid) do update set oid = excluded.oid"#,
        repo_pk,
        oid as Sha256
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a repository have objects that are verified already.
///
/// # Errors
/// The database does not answer.
pub async fn link(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_lfs_objects (repo_pk, oid) select $1, oid from lfs_objects where oid = any($2)
         on conflict do nothing",
        repo_pk,
        oids as &[Sha256]
    )
    .execute(conn)
    .await
    .map(|_| ())
}

pub(super) async fn list_held_since(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    oids: &[Sha256],
) -> sqlx::Result<HashMap<Sha256, DateTime<Utc>>> {
    let rows = sqlx::query!(
        r#"select oid as "oid: Sha256", created_at from repo_lfs_objects where repo_pk = $1 and oid = any($2)"#,
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.oid, row.created_at)).collect())
}

pub(super) async fn unlink(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<()> {
    sqlx::query!("delete from repo_lfs_objects where repo_pk = $1 and oid = any($2)", repo_pk, oids as &[Sha256])
        .execute(conn)
        .await
        .map(|_| ())
}

pub(super) async fn link_all(conn: &mut PgConnection, from_pk: i64, to_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_lfs_objects (repo_pk, oid) select $2, oid from repo_lfs_objects where repo_pk = $1
         on conflict do nothing",
        from_pk,
        to_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A repository that has an object.
#[derive(Debug)]
pub struct Candidate {
    /// The object.
    pub oid: Sha256,
    /// Its size in bytes.
    pub size: i64,
    /// The repository.
    pub repo_pk: i64,
}

/// Repositories that have some of these objects and may be readable for a member of `namespaces`: public and
/// ungated ones, and those of the namespaces; of buckets only what is in them now. At most three for each object; the caller checks each.
///
/// # Errors
/// The database does not answer.
pub async fn list_candidates(conn: impl PgExecutor<'_>, oids: &[Sha256], namespaces: &[i64]) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"select w.oid as "oid!: Sha256", o.size_bytes as size, c.repo_pk
           from unnest($1::bytea[]) as w(oid)
           join lfs_objects o on o.oid = w.oid
           cross join lateral (
               select r.repo_pk from repo_lfs_objects h join repos r using (repo_pk)
               where h.oid = w.oid and r.deleted_at is null and not r.disabled
                 and ((not r.private and r.gated is null) or r.namespace_pk = any($2))
                 and (r.repo_type <> 'bucket' or exists (select from bucket_files f where f.repo_pk = r.repo_pk and f.oid = w.oid))
               limit 3
           ) c"#,
        oids as &[Sha256],
        namespaces
    )
    .fetch_all(conn)
    .await
}

/// An upload in parts that S3 holds.
#[derive(Debug)]
pub struct UploadRow {
    /// The repository it is for.
    pub repo_pk: i64,
    /// The object.
    pub oid: Sha256,
    /// The size of a part in bytes.
    pub part_bytes: i64,
    /// S3's name for it.
    pub upload_id: String,
}

/// Finds the upload that a client may go on with: begun after `since`.
///
/// # Errors
/// The database does not answer.
pub async fn find_upload(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    oid: Sha256,
    part_bytes: i64,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select upload_id from lfs_uploads where repo_pk = $1 and oid = $2 and part_bytes = $3 and created_at > $4",
        repo_pk,
        oid as Sha256,
        part_bytes,
        since
    )
    .fetch_optional(conn)
    .await
}

/// Notes an upload in parts; gives the id of the one that counts, which is another's if two began at once.
///
/// # Errors
/// The database does not answer.
pub async fn insert_upload(conn: impl PgExecutor<'_>, row: &UploadRow, since: DateTime<Utc>) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "insert into lfs_uploads as u (repo_pk, oid, part_bytes, upload_id) values ($1, $2, $3, $4)
         on conflict (repo_pk, oid, part_bytes) do update set
             upload_id = case when u.created_at > $5 then u.upload_id else excluded.upload_id end,
             created_at = case when u.created_at > $5 then u.created_at else now() end
         returning upload_id",
        row.repo_pk,
        row.oid as Sha256,
        row.part_bytes,
        row.upload_id,
        since
    )
    .fetch_one(conn)
    .await
}

/// Forgets an upload in parts.
///
/// # Errors
/// The database does not answer.
pub async fn delete_upload(conn: impl PgExecutor<'_>, upload_id: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from lfs_uploads where upload_id = $1", upload_id).execute(conn).await.map(|_| ())
}

pub(super) async fn list_stale_uploads(conn: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<Vec<UploadRow>> {
    sqlx::query_as!(
        UploadRow,
        r#"select repo_pk, oid as "oid: Sha256", part_bytes, upload_id from lfs_uploads
           where created_at < $1 order by created_at limit 1000"#,
        before
    )
    .fetch_all(conn)
    .await
}
