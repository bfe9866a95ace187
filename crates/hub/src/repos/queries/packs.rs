//! Statements on which packs hold a repository's objects.

use hub_git::PackSize;
use hub_types::Oid;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::repos::refs::StoredPack;

/// A pack, and where it is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackRow {
    /// Its name.
    pub hash: Oid,
    /// Part of its keys.
    pub nonce: Option<i64>,
    /// Its size.
    pub size_bytes: i64,
}

/// Lists the packs of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn list(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Vec<PackRow>> {
    sqlx::query_as!(
        PackRow,
        r#"select pack_hash as "hash: Oid", nonce, size_bytes from repo_packs join packs using (pack_hash) where repo_pk = $1"#,
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Lists the packs of a repository with their sizes.
///
/// # Errors
/// The database does not answer.
pub async fn list_sizes(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Vec<PackSize>> {
    let rows = sqlx::query!(
        r#"select pack_hash as "hash: Oid", object_count, size_bytes from repo_packs join packs using (pack_hash) where repo_pk = $1"#,
        repo_pk
    )
    .fetch_all(pool)
    .await?;
    let size = |objects: i64, bytes: i64| (objects.unsigned_abs(), bytes.unsigned_abs());
    Ok(rows
        .into_iter()
        .map(|row| {
            let (objects, bytes) = size(row.object_count, row.size_bytes);
            PackSize { hash: row.hash, objects, bytes }
        })
        .collect())
}

/// Adds packs to a repository. One that the hub has already stays where it is in the store, and leaves quarantine. The
/// repository's generation must grow in the same transaction: [`next_generation`].
///
/// # Errors
/// The database does not answer.
pub async fn add(conn: &mut PgConnection, repo_pk: i64, packs: &[StoredPack]) -> sqlx::Result<()> {
    let hashes: Vec<Oid> = packs.iter().map(|pack| pack.hash).collect();
    let sizes: Vec<i64> = packs.iter().map(|pack| pack.size_bytes).collect();
    let counts: Vec<i64> = packs.iter().map(|pack| pack.object_count).collect();
    let nonces: Vec<i64> = packs.iter().map(|pack| pack.nonce).collect();
    // The keys are checked at the end of the statement, so both may come together.
    sqlx::query!(
        "with linked as (insert into repo_packs (repo_pk, pack_hash) select $1, unnest($2::bytea[]) on conflict do nothing)
         insert into packs (pack_hash, size_bytes, object_count, nonce)
         select * from unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[]) new (hash, size, count, nonce) order by hash
         on conflict (pack_hash) do update set condemned_at = null",
        repo_pk,
        &hashes as &[Oid],
        &sizes,
        &counts,
        &nonces
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Says that the packs of a repository are others than before, and gives the number of that state.
///
/// # Errors
/// The database does not answer.
pub async fn next_generation(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update repos set pack_generation = pack_generation + 1 where repo_pk = $1 returning pack_generation",
        repo_pk
    )
    .fetch_one(conn)
    .await
}

/// Keeps the commit point and other joiners out until the transaction ends, and gives which of these packs the repository
/// still has. None, when it is deleted.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, repo_pk: i64, packs: &[Oid]) -> sqlx::Result<Vec<Oid>> {
    sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 for update", repo_pk).fetch_optional(&mut *conn).await?;
    sqlx::query_scalar!(
        r#"select pack_hash as "hash: Oid" from repo_packs join repos using (repo_pk)
           where repo_pk = $1 and pack_hash = any($2) and deleted_at is null"#,
        repo_pk,
        packs as &[Oid]
    )
    .fetch_all(conn)
    .await
}

/// Takes packs from a repository. Another one must hold their objects.
///
/// # Errors
/// The database does not answer.
pub async fn remove(conn: &mut PgConnection, repo_pk: i64, packs: &[Oid]) -> sqlx::Result<()> {
    sqlx::query!("delete from repo_packs where repo_pk = $1 and pack_hash = any($2)", repo_pk, packs as &[Oid])
        .execute(conn)
        .await
        .map(|_| ())
}
