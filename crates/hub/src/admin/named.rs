//! Which objects of the store the database names: packs, large files that lie whole, xorbs, attachments.

use hub_storage::StorageKey;
use hub_types::Sha256;
use sqlx::PgConnection;

use super::queries::named as queries;

/// An object that rows name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) key: StorageKey,
    /// As the row has it; of indexes and metadata it is not known.
    pub(super) size: Option<u64>,
    /// Of whole large files.
    pub(super) sha256: Option<Sha256>,
}

/// Every object that a row names, also of deleted repositories and in quarantine.
pub(super) async fn list_named(conn: &mut PgConnection) -> sqlx::Result<Vec<Named>> {
    let known = |size: i64| Some(size.unsigned_abs());
    let mut named = Vec::new();
    for pack in queries::list_packs(conn).await? {
        named.push(Named { key: StorageKey::pack(&pack.hash, pack.nonce), size: known(pack.size_bytes), sha256: None });
        named.push(Named { key: StorageKey::pack_idx(&pack.hash, pack.nonce), size: None, sha256: None });
    }
    for file in queries::list_whole_files(conn).await? {
        let key = StorageKey::lfs(&file.oid, file.nonce);
        named.push(Named { key, size: known(file.size_bytes), sha256: Some(file.oid) });
    }
    for xorb in queries::list_xorbs(conn).await? {
        named.push(Named { key: StorageKey::xorb(&xorb.hash, xorb.nonce), size: known(xorb.stored_bytes), sha256: None });
        named.push(Named { key: StorageKey::xorb_meta(&xorb.hash, xorb.nonce), size: None, sha256: None });
    }
    for attachment in queries::list_attachments(conn).await? {
        let key = StorageKey::attachment(&attachment.public_id);
        named.push(Named { key, size: known(attachment.size_bytes), sha256: None });
    }
    Ok(named)
}
