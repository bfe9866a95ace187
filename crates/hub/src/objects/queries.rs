//! Every statement on the tables of large files.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use hub_types::{Sha256, XetHash};
use sqlx::{PgConnection, PgExecutor};

use super::Held;
use crate::jobs::Job;

pub(super) async fn list_held(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashMap<Sha256, Held>> {
    let rows = sqlx::query!(
        r#"select oid as "oid: Sha256", size_bytes, is_plain, nonce, file_hash as "file_hash: XetHash"
           from repo_lfs_objects join lfs_objects using (oid)
           where repo_pk = $1 and oid = any($2)"#,
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter().map(|row| {
        let size = row.size_bytes.unsigned_abs();
        (row.oid, Held { size, is_plain: row.is_plain, nonce: row.nonce, file_hash: row.file_hash })
    });
    Ok(held.collect())
}

/// Finds an object, whoever has it.
///
/// # Errors
/// The database does not answer.
pub async fn find_placement(conn: impl PgExecutor<'_>, oid: &Sha256) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select size_bytes, is_plain, nonce, file_hash as "file_hash: XetHash" from lfs_objects where oid = $1"#,
        oid as &Sha256
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let size = row.size_bytes.unsigned_abs();
        Held { size, is_plain: row.is_plain, nonce: row.nonce, file_hash: row.file_hash }
    }))
}

/// Some repository that has an object.
///
/// # Errors
/// The database does not answer.
pub async fn find_holder(conn: impl PgExecutor<'_>, oid: &Sha256) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select repo_pk from repo_lfs_objects where oid = $1 limit 1", oid as &Sha256).fetch_optional(conn).await
}

/// What became of a verified upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registered {
    /// The object lies where the upload is.
    Here,
    /// It lies under another nonce already.
    Elsewhere(Option<i64>),
    /// The repository is gone, and nothing was noted.
    RepoGone,
}

/// Notes that an object is verified and lies whole in the store under this nonce, unless it lies there whole already,
/// and that a repository has it; it is put into chunks in the background. A condemned object lives again; one that
/// is just being collected is waited for and then noted anew, with the bytes that were sent now. Tells whether it is new to the repository, too.
pub(super) async fn register(
    conn: &mut PgConnection,
    repo_pk: i64,
    oid: Sha256,
    nonce: i64,
    size: i64,
) -> sqlx::Result<(Registered, bool)> {
    let row = sqlx::query!(
        r#"insert into lfs_objects as o (oid, size_bytes, nonce) values ($1, $2, $3)
           on conflict (oid) do update set
               condemned_at = null, is_plain = true,
               nonce = case when o.is_plain then o.nonce else excluded.nonce end,
               plain_since = case when o.is_plain then o.plain_since else now() end
           returning file_hash is not null as "in_chunks!", nonce"#,
        oid as Sha256,
        size,
        nonce
    )
    .fetch_one(&mut *conn)
    .await?;
    // A row that was there has a place of its own already.
    let is_new = sqlx::query_scalar!(
        r#"insert into repo_lfs_objects (repo_pk, oid)
           select repo_pk, $2 from repos where repo_pk = $1 and deleted_at is null
           on conflict (repo_pk, oid) do update set wanted_at = now() returning xmax = 0 as "is_new!""#,
        repo_pk,
        oid as Sha256
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(is_new) = is_new else { return Ok((Registered::RepoGone, false)) };
    if !row.in_chunks && size > 0 {
        Job::PutInChunks { oid }.enqueue(conn).await?;
    }
    Ok((if row.nonce == Some(nonce) { Registered::Here } else { Registered::Elsewhere(row.nonce) }, is_new))
}

/// Lets an object lie under another nonce than the one under which it was missed; `false` when it does not count any more.
pub(super) async fn replace(conn: impl PgExecutor<'_>, oid: Sha256, missed: Option<i64>, nonce: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update lfs_objects set nonce = $3, plain_since = now()
         where oid = $1 and is_plain and nonce is not distinct from $2",
        oid as Sha256,
        missed,
        nonce
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Takes objects out of quarantine, those of them that are condemned.
pub(super) async fn revive(conn: &mut PgConnection, oids: &[Sha256]) -> sqlx::Result<()> {
    // In one order, so that two of these do not wait for each other.
    sqlx::query!(
        "with condemned as (
             select oid from lfs_objects where oid = any($1) and condemned_at is not null order by oid for no key update
         )
         update lfs_objects o set condemned_at = null from condemned where o.oid = condemned.oid",
        oids as &[Sha256]
    )
    .execute(conn)
    .await
    .map(|_| ())
}

pub(super) async fn link(conn: &mut PgConnection, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<Vec<Sha256>> {
    // The lock waits for a collection in hand; what that has removed is not found.
    sqlx::query_scalar!(
        r#"with held as (select oid from lfs_objects where oid = any($2) order by oid for key share)
           insert into repo_lfs_objects (repo_pk, oid) select $1, oid from held
           on conflict (repo_pk, oid) do update set wanted_at = now() returning oid as "oid: Sha256""#,
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await
}

/// Notes that objects a repository has are wanted; gives those that it still has, with their sizes.
pub(super) async fn keep(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashMap<Sha256, u64>> {
    let rows = sqlx::query!(
        r#"with kept as (
               select oid from repo_lfs_objects where repo_pk = $1 and oid = any($2) order by oid for no key update
           )
           update repo_lfs_objects l set wanted_at = now() from kept join lfs_objects o using (oid)
           where l.repo_pk = $1 and l.oid = kept.oid returning o.oid as "oid: Sha256", o.size_bytes"#,
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.oid, row.size_bytes.unsigned_abs())).collect())
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

/// Locks a repository and notes that it loses large files. Every node hears of it when the transaction ends.
pub(super) async fn bump_generation(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "with losing as (update repos set held_generation = held_generation + 1 where repo_pk = $1 returning repo_pk)
         select pg_notify('unlinked', repo_pk::text) from losing",
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives how many rows went and the sizes of their objects together.
pub(super) async fn unlink(conn: &mut PgConnection, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<(u64, u64)> {
    // In the order in which uploads take hold of them.
    let sizes = sqlx::query_scalar!(
        "with going as (
             select oid from repo_lfs_objects where repo_pk = $1 and oid = any($2) order by oid for update
         )
         delete from repo_lfs_objects l using going, lfs_objects o
         where l.repo_pk = $1 and l.oid = going.oid and o.oid = l.oid returning o.size_bytes",
        repo_pk,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await?;
    Ok((sizes.len() as u64, sizes.into_iter().map(i64::unsigned_abs).sum()))
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
                 and ((not r.private and r.gated is null) or coalesce(r.resource_group_pk, r.namespace_pk) = any($2))
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
