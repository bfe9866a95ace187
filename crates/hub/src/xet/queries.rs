//! Every statement on xorbs, files in chunks and the index of chunks.

use std::collections::HashMap;
use std::time::Duration;

use hub_types::{Sha256, XetHash};
use sqlx::{PgConnection, PgExecutor};

/// How many xorbs a chunk is indexed for. One would do if everybody might be told of it; the others are for those who may
/// not be told of the first. A bound, because some chunks (zeros) are in very many.
const MAX_XORBS_A_CHUNK: i64 = 16;

/// A xorb as the database knows it.
#[derive(Debug, Clone)]
pub struct XorbRow {
    /// Its hash.
    pub xorb_hash: XetHash,
    /// See [`super::Xorb::nonce`].
    pub nonce: i64,
    /// The size of its body in bytes.
    pub stored_bytes: i64,
}

/// Finds the xorbs that are here, condemned ones included: reading them is safe until their rows go.
///
/// # Errors
/// The database does not answer.
pub async fn list_xorbs(conn: impl PgExecutor<'_>, hashes: &[XetHash]) -> sqlx::Result<Vec<XorbRow>> {
    sqlx::query_as!(
        XorbRow,
        r#"select xorb_hash as "xorb_hash: XetHash", nonce, stored_bytes from xet_xorbs where xorb_hash = any($1)"#,
        hashes as &[XetHash]
    )
    .fetch_all(conn)
    .await
}

/// A xorb about to be known.
#[derive(Debug)]
pub struct NewXorb {
    /// Its hash.
    pub xorb_hash: XetHash,
    /// See [`super::Xorb::nonce`].
    pub nonce: i64,
    /// How many chunks it holds.
    pub chunk_count: i32,
    /// Their size, in bytes.
    pub raw_bytes: i64,
    /// Their size as stored, in bytes.
    pub stored_bytes: i64,
    /// The repository it was sent for.
    pub repo_pk: i64,
    /// Whether it counts for the owner of the repository until a file names it.
    pub is_pending: bool,
    /// Under which nonce it was known and its bytes were missed: this one takes its place.
    pub missed: Option<i64>,
}

/// Makes a stored xorb known; `false` when it was known already and was not missed (its lease is renewed then). Whoever sweeps takes the
/// row's lock, too, and takes from it under which nonce it lay; so no bytes go that a row names.
///
/// # Errors
/// The database does not answer.
pub async fn insert_xorb(conn: impl PgExecutor<'_>, new: &NewXorb, lease: Duration) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"insert into xet_xorbs as x (xorb_hash, nonce, chunk_count, raw_bytes, stored_bytes, first_repo_pk, lease_until, is_pending)
           values ($1, $2, $3, $4, $5, (select repo_pk from repos where repo_pk = $6), $7, $8)
           on conflict (xorb_hash) do update
               set lease_until = greatest(x.lease_until, excluded.lease_until), condemned_at = null,
                   stored_bytes = case when x.nonce = $9 then excluded.stored_bytes else x.stored_bytes end,
                   nonce = case when x.nonce = $9 then excluded.nonce else x.nonce end
           returning x.nonce = $2 as "inserted!""#,
        new.xorb_hash as XetHash,
        new.nonce,
        new.chunk_count,
        new.raw_bytes,
        new.stored_bytes,
        new.repo_pk,
        crate::clock::now() + lease,
        new.is_pending,
        new.missed
    )
    .fetch_one(conn)
    .await
}

/// What the xorbs take in the store that were sent for repositories of an owner and that no file named yet, deleted repositories included.
///
/// # Errors
/// The database does not answer.
pub async fn sum_pending(conn: impl PgExecutor<'_>, namespace_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(x.stored_bytes), 0)::bigint as "bytes!" from repos r join xet_xorbs x on x.first_repo_pk = r.repo_pk
           where r.namespace_pk = $1 and x.is_pending"#,
        namespace_pk
    )
    .fetch_one(conn)
    .await
}

/// The first of these xorbs that is here and whose presence may be told to a writer of this namespace: it was sent for
/// the namespace, or a file that everybody (or the namespace) may read refers to it. Its lease is renewed.
///
/// # Errors
/// The database does not answer.
pub async fn renew_visible(
    conn: impl PgExecutor<'_>,
    hashes: &[XetHash],
    audience: Option<i64>,
    lease: Duration,
) -> sqlx::Result<Option<XetHash>> {
    sqlx::query_scalar!(
        r#"with told as (
               select x.xorb_hash from xet_xorbs x
               where x.xorb_hash = any($1) and (
                   exists (select from repos r where r.repo_pk = x.first_repo_pk and not r.disabled and coalesce(r.resource_group_pk, r.namespace_pk) = $2)
                   or exists (
                       select from (
                           select l.repo_pk from xet_file_xorbs fx join xet_files f using (file_hash)
                           join repo_lfs_objects l on l.oid = f.oid
                           where fx.xorb_hash = x.xorb_hash limit 200
                       ) holders join repos r using (repo_pk)
                       where r.deleted_at is null and not r.disabled and ((not r.private and r.gated is null) or coalesce(r.resource_group_pk, r.namespace_pk) = $2)))
               limit 1
           )
           update xet_xorbs x set lease_until = greatest(lease_until, $3), condemned_at = null
           from told where x.xorb_hash = told.xorb_hash returning x.xorb_hash as "xorb_hash: XetHash""#,
        hashes as &[XetHash],
        audience,
        crate::clock::now() + lease
    )
    .fetch_optional(conn)
    .await
}

/// The xorbs that came with this one: of one file that refers to it and that everybody, or the namespace, may read. Their
/// leases are renewed, in the order in which [`hold_xorbs`] takes hold of them.
///
/// # Errors
/// The database does not answer.
pub async fn renew_siblings(
    conn: impl PgExecutor<'_>,
    xorb_hash: &XetHash,
    audience: Option<i64>,
    limit: i64,
    lease: Duration,
) -> sqlx::Result<Vec<XetHash>> {
    sqlx::query_scalar!(
        r#"with holders as (
               select l.repo_pk, f.file_hash from xet_file_xorbs fx join xet_files f using (file_hash)
               join repo_lfs_objects l on l.oid = f.oid
               where fx.xorb_hash = $1 limit 200
           ), file as (
               select holders.file_hash from holders join repos r using (repo_pk)
               where r.deleted_at is null and not r.disabled and ((not r.private and r.gated is null) or coalesce(r.resource_group_pk, r.namespace_pk) = $2) limit 1
           ), siblings as (
               select xorb_hash from xet_file_xorbs join file using (file_hash) limit $3
           ), held as (
               select xorb_hash from xet_xorbs where xorb_hash in (select xorb_hash from siblings) order by xorb_hash for update
           )
           update xet_xorbs x set lease_until = greatest(lease_until, $4), condemned_at = null
           from held where x.xorb_hash = held.xorb_hash returning x.xorb_hash as "xorb_hash: XetHash""#,
        xorb_hash as &XetHash,
        audience,
        limit,
        crate::clock::now() + lease
    )
    .fetch_all(conn)
    .await
}

/// The xorbs that a chunk was indexed for.
///
/// # Errors
/// The database does not answer.
pub async fn list_xorbs_of_chunk(conn: impl PgExecutor<'_>, chunk_hash: &XetHash) -> sqlx::Result<Vec<XetHash>> {
    sqlx::query_scalar!(
        r#"select xorb_hash as "xorb_hash: XetHash" from xet_chunks where chunk_hash = $1 limit $2"#,
        chunk_hash as &XetHash,
        MAX_XORBS_A_CHUNK
    )
    .fetch_all(conn)
    .await
}

/// A file in chunks as the database knows it.
#[derive(Debug)]
pub struct FileRow {
    /// Its SHA-256, computed by the hub.
    pub oid: Sha256,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Its terms, packed.
    pub terms: Vec<u8>,
}

/// Finds a file in chunks, whoever has it.
///
/// # Errors
/// The database does not answer.
pub async fn find_file(conn: impl PgExecutor<'_>, file_hash: &XetHash) -> sqlx::Result<Option<FileRow>> {
    sqlx::query_as!(
        FileRow,
        r#"select oid as "oid: Sha256", size_bytes, terms from xet_files where file_hash = $1"#,
        file_hash as &XetHash
    )
    .fetch_optional(conn)
    .await
}

/// The SHA-256 of a file in chunks, if a repository has it.
///
/// # Errors
/// The database does not answer.
pub async fn find_held_file(conn: impl PgExecutor<'_>, repo_pk: i64, file_hash: &XetHash) -> sqlx::Result<Option<(Sha256, i64)>> {
    let row = sqlx::query!(
        r#"select f.oid as "oid: Sha256", f.size_bytes from xet_files f
           where file_hash = $2 and exists (select from repo_lfs_objects l where l.repo_pk = $1 and l.oid = f.oid)"#,
        repo_pk,
        file_hash as &XetHash
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.oid, row.size_bytes)))
}

/// Of these files in chunks, those that a repository has: their SHA-256 and size.
///
/// # Errors
/// The database does not answer.
pub async fn list_held_files(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    file_hashes: &[XetHash],
) -> sqlx::Result<HashMap<XetHash, (Sha256, i64)>> {
    let rows = sqlx::query!(
        r#"select f.file_hash as "file_hash: XetHash", f.oid as "oid: Sha256", f.size_bytes from xet_files f
           where file_hash = any($2) and exists (select from repo_lfs_objects l where l.repo_pk = $1 and l.oid = f.oid)"#,
        repo_pk,
        file_hashes as &[XetHash]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.file_hash, (row.oid, row.size_bytes))).collect())
}

/// A file whose terms and SHA-256 the hub has checked.
#[derive(Debug)]
pub struct NewFile {
    /// Its hash.
    pub file_hash: XetHash,
    /// Its SHA-256.
    pub oid: Sha256,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// How many terms it has.
    pub term_count: i32,
    /// Its terms, packed.
    pub terms: Vec<u8>,
    /// The xorbs it refers to, each once.
    pub xorbs: Vec<XetHash>,
    /// At the same places, how many bytes of it lie in each.
    pub xorb_bytes: Vec<i64>,
    /// Whether these terms take the place of those that it is known by.
    pub replaces: bool,
}

/// Makes a checked file known. The first list of terms stays, as long as it can be read: addresses given out rely on it. Says whether the
/// object lies in these xorbs from now on, and did not before.
///
/// # Errors
/// The database does not answer.
pub async fn insert_file(conn: &mut PgConnection, file: &NewFile) -> sqlx::Result<bool> {
    // The same bytes can be cut in chunks in several ways, by which they have several hashes. The first is where they are read.
    let is_read_here = sqlx::query_scalar!(
        r#"insert into lfs_objects (oid, size_bytes, is_plain, file_hash) values ($1, $2, false, $3)
           on conflict (oid) do update
               set file_hash = coalesce(lfs_objects.file_hash, excluded.file_hash), condemned_at = null
           returning lfs_objects.file_hash = $3 as "is_read_here!""#,
        file.oid as Sha256,
        file.size_bytes,
        file.file_hash as XetHash
    )
    .fetch_one(&mut *conn)
    .await?;
    let inserted = sqlx::query!(
        "insert into xet_files (file_hash, oid, size_bytes, term_count, terms) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        file.file_hash as XetHash,
        file.oid as Sha256,
        file.size_bytes,
        file.term_count,
        file.terms
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        if !file.replaces {
            return Ok(false);
        }
        replace_terms(conn, file).await?;
    }
    sqlx::query!(
        "insert into xet_file_xorbs (xorb_hash, file_hash) select x, $2 from unnest($1::bytea[]) x",
        &file.xorbs as &[XetHash],
        file.file_hash as XetHash
    )
    .execute(conn)
    .await
    .map(|_| is_read_here)
}

/// Notes that files that count from now on name so many bytes of xorbs, which the caller holds. Where that is about half of what one
/// takes, it does not count any more: an owner who has a small file name a large xorb has to have room for both.
///
/// # Errors
/// The database does not answer.
pub async fn name_xorbs(conn: impl PgExecutor<'_>, hashes: &[XetHash], bytes: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update xet_xorbs x set is_pending = false from unnest($1::bytea[], $2::bigint[]) as named (xorb_hash, bytes)
         where x.xorb_hash = named.xorb_hash and x.is_pending and named.bytes >= x.stored_bytes / 2 - 512",
        hashes as &[XetHash],
        bytes
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Has a known file consist of other terms. Those who do so at once wait for each other at its row.
async fn replace_terms(conn: &mut PgConnection, file: &NewFile) -> sqlx::Result<()> {
    sqlx::query!(
        "update xet_files set term_count = $2, terms = $3 where file_hash = $1",
        file.file_hash as XetHash,
        file.term_count,
        file.terms
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from xet_file_xorbs where file_hash = $1", file.file_hash as XetHash).execute(conn).await.map(|_| ())
}

/// Takes hold of xorbs for files about to refer to them: condemned ones live again, leases are renewed, and until the
/// transaction ends nothing can remove them. Gives how many of them are here.
///
/// # Errors
/// The database does not answer.
pub async fn hold_xorbs(conn: &mut PgConnection, hashes: &[XetHash], lease: Duration) -> sqlx::Result<u64> {
    // In one order, so that two shards with the same xorbs do not wait for each other.
    let done = sqlx::query!(
        "with held as (select xorb_hash from xet_xorbs where xorb_hash = any($1) order by xorb_hash for update)
         update xet_xorbs x set lease_until = greatest(lease_until, $2), condemned_at = null
         from held where x.xorb_hash = held.xorb_hash",
        hashes as &[XetHash],
        crate::clock::now() + lease
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Indexes chunks: each for its xorb, next to those it was indexed for before. A chunk that has enough of them stays as
/// it is.
///
/// # Errors
/// The database does not answer.
pub async fn index_chunks(conn: impl PgExecutor<'_>, chunks: &[XetHash], xorbs: &[XetHash]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into xet_chunks (chunk_hash, xorb_hash)
         select c, x from (
             select c, x, row_number() over (partition by c order by x) as nth from unnest($1::bytea[], $2::bytea[]) as t (c, x)
         ) new
         where nth + (select count(*) from xet_chunks known where known.chunk_hash = c) <= $3
         order by c, x on conflict do nothing",
        chunks as &[XetHash],
        xorbs as &[XetHash],
        MAX_XORBS_A_CHUNK
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A xorb for each of these chunks that is indexed.
///
/// # Errors
/// The database does not answer.
pub async fn list_xorbs_of_chunks(conn: impl PgExecutor<'_>, chunks: &[XetHash]) -> sqlx::Result<Vec<XetHash>> {
    sqlx::query_scalar!(
        r#"select distinct on (chunk_hash) xorb_hash as "xorb_hash: XetHash" from xet_chunks
           where chunk_hash = any($1) order by chunk_hash, xorb_hash"#,
        chunks as &[XetHash]
    )
    .fetch_all(conn)
    .await
}
