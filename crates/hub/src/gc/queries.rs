//! Every statement of garbage collection. Where one judges whether a row may go, it does so after a lock was taken that
//! everybody needs who comes to need the row, in a statement of its own, so that it sees what the holder before left.

pub(super) mod attachments;
pub(super) mod kept;
pub(super) mod packs;
pub(super) mod repos;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use hub_storage::StorageKey;
use hub_types::{Oid, Sha256, XetHash};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::Item;

pub(super) async fn insert_run(pool: &PgPool, started: DateTime<Utc>, report: &Value) -> sqlx::Result<()> {
    sqlx::query!("insert into gc_runs (started_at, report) values ($1, $2)", started, report).execute(pool).await.map(|_| ())
}

/// When the last run ended, how many objects it deleted from the store, and their bytes.
pub(super) async fn find_last_run(pool: &PgPool) -> sqlx::Result<Option<(DateTime<Utc>, i64, i64)>> {
    let row = sqlx::query!(
        r#"select finished_at, coalesce((report #>> '{items,deleted,count}')::bigint, 0) as "count!",
                  coalesce((report #>> '{items,deleted,bytes}')::bigint, 0) as "bytes!"
           from gc_runs order by finished_at desc limit 1"#
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| (row.finished_at, row.count, row.bytes)))
}

pub(super) async fn has_run_since(pool: &PgPool, since: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from gc_runs where finished_at > $1) as "has!""#, since).fetch_one(pool).await
}

pub(super) async fn list_unlinked(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select size_bytes from lfs_objects o
         where condemned_at is null and not exists (select from repo_lfs_objects l where l.oid = o.oid)"
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn revive_linked(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "with linked as (
             select oid from lfs_objects o
             where condemned_at is not null and exists (select from repo_lfs_objects l where l.oid = o.oid)
             for no key update skip locked
         )
         update lfs_objects o set condemned_at = null from linked where o.oid = linked.oid"
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// What is locked is being needed just now.
pub(super) async fn condemn_files(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "with unlinked as (
             select oid from lfs_objects o
             where condemned_at is null and not exists (select from repo_lfs_objects l where l.oid = o.oid)
             limit $1 for update skip locked
         )
         update lfs_objects o set condemned_at = now() from unlinked where o.oid = unlinked.oid returning size_bytes",
        limit
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn list_unused_xorbs(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select stored_bytes from xet_xorbs x where condemned_at is null and lease_until < now()
           and not exists (select from xet_file_xorbs fx where fx.xorb_hash = x.xorb_hash)"
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn condemn_xorbs(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "with unused as (
             select xorb_hash from xet_xorbs x where condemned_at is null and lease_until < now()
               and not exists (select from xet_file_xorbs fx where fx.xorb_hash = x.xorb_hash)
             limit $1 for update skip locked
         )
         update xet_xorbs x set condemned_at = now() from unused where x.xorb_hash = unused.xorb_hash returning stored_bytes",
        limit
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn list_condemned_files(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select size_bytes from lfs_objects o
         where condemned_at < $1 and not exists (select from repo_lfs_objects l where l.oid = o.oid)",
        before
    )
    .fetch_all(pool)
    .await
}

/// From here on, nobody can link these files until the transaction ends.
pub(super) async fn lock_condemned_files(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    after: &Sha256,
    limit: i64,
) -> sqlx::Result<Vec<Sha256>> {
    sqlx::query_scalar!(
        r#"select oid as "oid: Sha256" from lfs_objects where condemned_at < $1 and oid > $2
           order by oid limit $3 for update skip locked"#,
        before,
        after as &Sha256,
        limit
    )
    .fetch_all(conn)
    .await
}

#[derive(Debug)]
pub(super) struct SweptFile {
    pub(super) oid: Sha256,
    pub(super) size_bytes: i64,
    pub(super) is_plain: bool,
    pub(super) nonce: Option<i64>,
}

/// The lists of chunks go with them, and with those the hold on their xorbs.
pub(super) async fn delete_unlinked_files(conn: &mut PgConnection, oids: &[Sha256]) -> sqlx::Result<Vec<SweptFile>> {
    sqlx::query_as!(
        SweptFile,
        r#"delete from lfs_objects o
           where oid = any($1) and not exists (select from repo_lfs_objects l where l.oid = o.oid)
           returning oid as "oid: Sha256", size_bytes, is_plain, nonce"#,
        oids as &[Sha256]
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn list_condemned_xorbs(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select stored_bytes from xet_xorbs x where condemned_at < $1 and lease_until < now()
           and not exists (select from xet_file_xorbs fx where fx.xorb_hash = x.xorb_hash)",
        before
    )
    .fetch_all(pool)
    .await
}

/// From here on, nobody can take hold of these xorbs until the transaction ends.
pub(super) async fn lock_condemned_xorbs(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    after: &XetHash,
    limit: i64,
) -> sqlx::Result<Vec<XetHash>> {
    sqlx::query_scalar!(
        r#"select xorb_hash as "xorb_hash: XetHash" from xet_xorbs where condemned_at < $1 and xorb_hash > $2
           order by xorb_hash limit $3 for update skip locked"#,
        before,
        after as &XetHash,
        limit
    )
    .fetch_all(conn)
    .await
}

#[derive(Debug)]
pub(super) struct SweptXorb {
    pub(super) xorb_hash: XetHash,
    pub(super) nonce: i64,
    pub(super) stored_bytes: i64,
}

pub(super) async fn delete_unused_xorbs(conn: &mut PgConnection, hashes: &[XetHash]) -> sqlx::Result<Vec<SweptXorb>> {
    sqlx::query_as!(
        SweptXorb,
        r#"delete from xet_xorbs x where xorb_hash = any($1) and lease_until < now()
             and not exists (select from xet_file_xorbs fx where fx.xorb_hash = x.xorb_hash)
           returning xorb_hash as "xorb_hash: XetHash", nonce, stored_bytes"#,
        hashes as &[XetHash]
    )
    .fetch_all(conn)
    .await
}

/// A file that lies whole and in chunks.
#[derive(Debug)]
pub(super) struct DoubleFile {
    pub(super) oid: Sha256,
    pub(super) size_bytes: i64,
    pub(super) nonce: Option<i64>,
    pub(super) file_hash: XetHash,
}

pub(super) async fn list_double_files(
    pool: &PgPool,
    before: DateTime<Utc>,
    after: &Sha256,
    limit: i64,
) -> sqlx::Result<Vec<DoubleFile>> {
    sqlx::query_as!(
        DoubleFile,
        r#"select oid as "oid: Sha256", size_bytes, nonce, file_hash as "file_hash!: XetHash" from lfs_objects
           where is_plain and file_hash is not null and condemned_at is null and plain_since < $1 and oid > $2
           order by oid limit $3"#,
        before,
        after as &Sha256,
        limit
    )
    .fetch_all(pool)
    .await
}

/// `false` when it has changed since it was listed.
pub(super) async fn drop_plain(conn: &mut PgConnection, file: &DoubleFile) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update lfs_objects o set is_plain = false, nonce = null
         where oid = $1 and is_plain and nonce is not distinct from $2 and file_hash = $3
           and exists (select from xet_files f where f.file_hash = $3 and f.oid = o.oid)",
        file.oid as Sha256,
        file.nonce,
        file.file_hash as XetHash
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes an object of the store that no row names any more.
pub(super) async fn doom(conn: &mut PgConnection, key: &StorageKey, size: i64, not_before: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into doomed_objects (key, size_bytes, not_before) values ($1, $2, $3) on conflict do nothing",
        key.as_str(),
        size,
        not_before
    )
    .execute(conn)
    .await
    .map(|_| ())
}

#[derive(Debug)]
pub(super) struct DoomedRow {
    pub(super) key: String,
    pub(super) size_bytes: i64,
}

pub(super) async fn list_doomed(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<DoomedRow>> {
    sqlx::query_as!(
        DoomedRow,
        "select key, size_bytes from doomed_objects where not_before <= now() order by not_before limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn forget_doomed(pool: &PgPool, key: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from doomed_objects where key = $1", key).execute(pool).await.map(|_| ())
}

pub(super) async fn list_doomed_of(pool: &PgPool, keys: &[String]) -> sqlx::Result<HashSet<String>> {
    let found = sqlx::query_scalar!("select key from doomed_objects where key = any($1)", keys).fetch_all(pool).await?;
    Ok(found.into_iter().collect())
}

pub(super) async fn list_known_xorbs(pool: &PgPool, named: &[(XetHash, i64)]) -> sqlx::Result<HashSet<(XetHash, i64)>> {
    let hashes: Vec<XetHash> = named.iter().map(|(hash, _)| *hash).collect();
    let rows = sqlx::query!(
        r#"select xorb_hash as "hash: XetHash", nonce from xet_xorbs where xorb_hash = any($1)"#,
        &hashes as &[XetHash]
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hash, row.nonce)).collect())
}

pub(super) async fn list_known_files(
    pool: &PgPool,
    named: &[(Sha256, Option<i64>)],
) -> sqlx::Result<HashSet<(Sha256, Option<i64>)>> {
    let oids: Vec<Sha256> = named.iter().map(|(oid, _)| *oid).collect();
    let rows = sqlx::query!(
        r#"select oid as "oid: Sha256", nonce from lfs_objects where is_plain and oid = any($1)"#,
        &oids as &[Sha256]
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.oid, row.nonce)).collect())
}

pub(super) async fn list_known_packs(pool: &PgPool, named: &[(Oid, Option<i64>)]) -> sqlx::Result<HashSet<(Oid, Option<i64>)>> {
    let hashes: Vec<Oid> = named.iter().map(|(hash, _)| *hash).collect();
    let rows = sqlx::query!(r#"select pack_hash as "hash: Oid", nonce from packs where pack_hash = any($1)"#, &hashes as &[Oid])
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|row| (row.hash, row.nonce)).collect())
}

/// What waits in quarantine or for its deletion.
pub(super) async fn count_waiting(pool: &PgPool) -> sqlx::Result<[(Item, i64, i64); 4]> {
    let row = sqlx::query!(
        r#"select f.count as "files!", f.bytes as "file_bytes!", x.count as "xorbs!", x.bytes as "xorb_bytes!",
                  p.count as "packs!", p.bytes as "pack_bytes!", d.count as "objects!", d.bytes as "object_bytes!"
           from (select count(*), coalesce(sum(size_bytes), 0)::bigint as bytes from lfs_objects where condemned_at is not null) f,
                (select count(*), coalesce(sum(stored_bytes), 0)::bigint as bytes from xet_xorbs where condemned_at is not null) x,
                (select count(*), coalesce(sum(size_bytes), 0)::bigint as bytes from packs where condemned_at is not null) p,
                (select count(*), coalesce(sum(size_bytes), 0)::bigint as bytes from doomed_objects) d"#
    )
    .fetch_one(pool)
    .await?;
    Ok([
        (Item::WaitingFiles, row.files, row.file_bytes),
        (Item::WaitingXorbs, row.xorbs, row.xorb_bytes),
        (Item::WaitingPacks, row.packs, row.pack_bytes),
        (Item::WaitingObjects, row.objects, row.object_bytes),
    ])
}
