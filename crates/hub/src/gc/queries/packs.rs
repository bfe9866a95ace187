//! Statements on packs that no repository has.

use chrono::{DateTime, Utc};
use hub_types::Oid;
use sqlx::{PgConnection, PgPool};

pub(in crate::gc) async fn list_unlinked(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select size_bytes from packs p
         where condemned_at is null and not exists (select from repo_packs l where l.pack_hash = p.pack_hash)"
    )
    .fetch_all(pool)
    .await
}

/// Takes those out of quarantine that a repository has.
pub(in crate::gc) async fn revive_linked(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "with linked as (
             select pack_hash from packs p
             where condemned_at is not null and exists (select from repo_packs l where l.pack_hash = p.pack_hash)
             for no key update skip locked
         )
         update packs p set condemned_at = null from linked where p.pack_hash = linked.pack_hash"
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// What is locked is being needed just now.
pub(in crate::gc) async fn condemn(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "with unlinked as (
             select pack_hash from packs p
             where condemned_at is null and not exists (select from repo_packs l where l.pack_hash = p.pack_hash)
             limit $1 for update skip locked
         )
         update packs p set condemned_at = now() from unlinked where p.pack_hash = unlinked.pack_hash returning size_bytes",
        limit
    )
    .fetch_all(pool)
    .await
}

pub(in crate::gc) async fn list_condemned(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select size_bytes from packs p
         where condemned_at < $1 and not exists (select from repo_packs l where l.pack_hash = p.pack_hash)",
        before
    )
    .fetch_all(pool)
    .await
}

/// From here on, nobody can link these packs until the transaction ends.
pub(in crate::gc) async fn lock_condemned(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    after: &Oid,
    limit: i64,
) -> sqlx::Result<Vec<Oid>> {
    sqlx::query_scalar!(
        r#"select pack_hash as "hash: Oid" from packs where condemned_at < $1 and pack_hash > $2
           order by pack_hash limit $3 for update skip locked"#,
        before,
        after as &Oid,
        limit
    )
    .fetch_all(conn)
    .await
}

#[derive(Debug)]
pub(in crate::gc) struct SweptPack {
    pub(in crate::gc) hash: Oid,
    pub(in crate::gc) nonce: Option<i64>,
    pub(in crate::gc) size_bytes: i64,
}

/// Those that no repository has came to have meanwhile.
pub(in crate::gc) async fn delete_unlinked(conn: &mut PgConnection, hashes: &[Oid]) -> sqlx::Result<Vec<SweptPack>> {
    sqlx::query_as!(
        SweptPack,
        r#"delete from packs p
           where pack_hash = any($1) and not exists (select from repo_packs l where l.pack_hash = p.pack_hash)
           returning pack_hash as "hash: Oid", nonce, size_bytes"#,
        hashes as &[Oid]
    )
    .fetch_all(conn)
    .await
}
