//! What the database names of the store.

use hub_types::{Oid, Sha256, XetHash};
use sqlx::PgConnection;

/// A pack.
#[derive(Debug)]
pub(in crate::admin) struct PackRow {
    /// Its name.
    pub(in crate::admin) hash: Oid,
    /// Part of its key.
    pub(in crate::admin) nonce: Option<i64>,
    /// Its size.
    pub(in crate::admin) size_bytes: i64,
}

/// A large file that lies whole in the store.
#[derive(Debug)]
pub(in crate::admin) struct FileRow {
    /// Its SHA-256.
    pub(in crate::admin) oid: Sha256,
    /// Part of its key.
    pub(in crate::admin) nonce: Option<i64>,
    /// Its size.
    pub(in crate::admin) size_bytes: i64,
}

/// A xorb.
#[derive(Debug)]
pub(in crate::admin) struct XorbRow {
    /// Its hash.
    pub(in crate::admin) hash: XetHash,
    /// Part of its key.
    pub(in crate::admin) nonce: i64,
    /// Its size in the store.
    pub(in crate::admin) stored_bytes: i64,
}

/// All packs.
pub(in crate::admin) async fn list_packs(conn: &mut PgConnection) -> sqlx::Result<Vec<PackRow>> {
    sqlx::query_as!(PackRow, r#"select pack_hash as "hash: Oid", nonce, size_bytes from packs"#).fetch_all(conn).await
}

/// All large files that lie whole in the store.
pub(in crate::admin) async fn list_whole_files(conn: &mut PgConnection) -> sqlx::Result<Vec<FileRow>> {
    sqlx::query_as!(FileRow, r#"select oid as "oid: Sha256", nonce, size_bytes from lfs_objects where is_plain"#)
        .fetch_all(conn)
        .await
}

/// All xorbs.
pub(in crate::admin) async fn list_xorbs(conn: &mut PgConnection) -> sqlx::Result<Vec<XorbRow>> {
    sqlx::query_as!(XorbRow, r#"select xorb_hash as "hash: XetHash", nonce, stored_bytes from xet_xorbs"#).fetch_all(conn).await
}

/// A file that somebody added to a comment.
#[derive(Debug)]
pub(in crate::admin) struct AttachmentRow {
    /// Its name in the store.
    pub(in crate::admin) public_id: String,
    /// Its size.
    pub(in crate::admin) size_bytes: i64,
}

/// All attachments.
pub(in crate::admin) async fn list_attachments(conn: &mut PgConnection) -> sqlx::Result<Vec<AttachmentRow>> {
    sqlx::query_as!(AttachmentRow, "select public_id, size_bytes from attachments").fetch_all(conn).await
}
