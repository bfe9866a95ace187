//! Statements that add up bytes.

use std::collections::HashMap;

use sqlx::PgExecutor;

use crate::repos::usage::StorageUse;

/// The repositories of some accounts, each with its account.
///
/// # Errors
/// The database does not answer.
pub async fn list_repos(conn: impl PgExecutor<'_>, namespaces: &[i64]) -> sqlx::Result<Vec<(i64, i64)>> {
    let rows =
        sqlx::query!("select repo_pk, namespace_pk from repos where namespace_pk = any($1) and deleted_at is null", namespaces);
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.repo_pk, row.namespace_pk)).collect())
}

/// Adds up what groups of repositories hold: large files, whole or as the xorbs of their chunks, and packs. What the
/// repositories of a group share is stored once. Takes repositories and, at the same places, their groups.
///
/// # Errors
/// The database does not answer.
pub async fn of_groups(conn: impl PgExecutor<'_>, repos: &[i64], groups: &[i64]) -> sqlx::Result<HashMap<i64, StorageUse>> {
    let rows = sqlx::query!(
        r#"with member as (select * from unnest($1::bigint[], $2::bigint[]) as t (repo_pk, part)),
           held as (
               select m.part, o.oid, o.size_bytes, o.is_plain, o.file_hash
               from member m join repo_lfs_objects l using (repo_pk) join lfs_objects o using (oid)
           ),
           packed as (
               select m.part, p.pack_hash, p.size_bytes from member m join repo_packs rp using (repo_pk) join packs p using (pack_hash)
           ),
           logical as (select part, size_bytes as bytes from held union all select part, size_bytes from packed),
           whole as (select distinct part, oid, size_bytes from held where is_plain),
           xorbs as (
               select distinct h.part, fx.xorb_hash from held h join xet_file_xorbs fx using (file_hash) where not h.is_plain
           ),
           stored as (
               select part, size_bytes as bytes from whole
               union all select part, stored_bytes from xorbs join xet_xorbs using (xorb_hash)
               union all select part, size_bytes from (select distinct part, pack_hash, size_bytes from packed) once
           )
           select part as "part!", sum(logical)::bigint as "logical!", sum(stored)::bigint as "stored!" from (
               select part, bytes as logical, 0 as stored from logical union all select part, 0, bytes from stored
           ) both_sums group by part"#,
        repos,
        groups
    )
    .fetch_all(conn)
    .await?;
    let sums =
        |logical: i64, stored: i64| StorageUse { logical_bytes: logical.unsigned_abs(), stored_bytes: stored.unsigned_abs() };
    Ok(rows.into_iter().map(|row| (row.part, sums(row.logical, row.stored))).collect())
}
