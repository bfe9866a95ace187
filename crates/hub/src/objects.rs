//! Large files: which the hub holds, and which repository has which.
//!
//! A row in `lfs_objects` means: the bytes are in the store, whole under their SHA-256 or in chunks ([`crate::xet`]) or
//! both, and the hub has computed that SHA-256 itself. A row in `repo_lfs_objects` means: somebody who may write to the repository sent the bytes, or
//! could read them in another repository. Only through such a row are bytes given out: knowing a hash opens nothing.
//!
//! - [`receive`]: bytes that pass through the hub, hashed on their way.
//! - [`staging`]: bytes that went to S3 directly, or came in parts, hashed before anybody can see them.
//! - [`read`]: bytes out of the store, wherever they lie.
//! - [`serve`]: bytes on their way out, with ranges.
//! - [`sweep`]: what was never finished goes.

mod queries;
pub mod read;
pub mod receive;
pub mod serve;
pub mod staging;
pub mod sweep;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_storage::StorageKey;
use hub_types::{Sha256, XetHash};
use moka::sync::Cache;
use sqlx::{PgConnection, PgExecutor};

use crate::app::App;
use crate::error::HubResult;

pub use queries::{
    Candidate, UploadRow, delete_upload, find_holder, find_placement, find_upload, insert_upload, list_candidates,
};

/// A large file that the hub holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its size in bytes.
    pub size: u64,
    /// Whether it lies whole in the store.
    pub is_plain: bool,
    /// Tells the whole copy from those of other uploads of the same file.
    pub nonce: Option<i64>,
    /// The file in chunks that has the same bytes, if there is one.
    pub file_hash: Option<XetHash>,
}

impl Held {
    /// Where the whole copy lies, if there is one.
    pub fn plain_key(&self, oid: &Sha256) -> Option<StorageKey> {
        self.is_plain.then(|| StorageKey::lfs(oid, self.nonce))
    }
}

/// How many staged uploads one request verifies at once.
const VERIFY_AT_ONCE: usize = 4;

/// Which of these objects a repository has. One query, however many.
///
/// # Errors
/// The database does not answer.
pub async fn list_held(conn: impl PgExecutor<'_>, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashMap<Sha256, Held>> {
    if oids.is_empty() {
        return Ok(HashMap::new());
    }
    queries::list_held(conn, repo_pk, oids).await
}

/// An object, if a repository has it. What every download of a large file asks; a yes is
/// remembered for a minute.
///
/// # Errors
/// The database does not answer.
pub async fn find_held(app: &App, repo_pk: i64, oid: Sha256) -> sqlx::Result<Option<Held>> {
    if let Some(held) = app.held_objects.get(&(repo_pk, oid)) {
        return Ok(Some(held));
    }
    let held = list_held(&app.pool, repo_pk, &[oid]).await?.get(&oid).copied();
    if let Some(held) = held {
        app.held_objects.insert((repo_pk, oid), held);
    }
    Ok(held)
}

/// The answers of [`find_held`] that were yes.
pub type HeldObjects = Cache<(i64, Sha256), Held>;

/// Makes the memory of [`find_held`].
pub fn held_objects() -> HeldObjects {
    let builder = Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(60));
    builder.support_invalidation_closures().build()
}

/// Forgets what [`find_held`] found for a repository, which has lost some of it.
pub fn forget_held(app: &App, repo_pk: i64) {
    if let Err(error) = app.held_objects.invalidate_entries_if(move |(of, _), _| *of == repo_pk) {
        tracing::warn!(%error, "lost files are given out for a minute more");
    }
}

/// The sizes of the objects that [`list_held`] finds; but objects that were uploaded to S3 and never verified (some clients skip that step) are
/// verified now. What a commit or a push asks before it lets a pointer in.
///
/// # Errors
/// 503 when the database or the store does not answer. Objects that are not there are no error.
pub async fn has_objects(app: &App, repo_pk: i64, oids: &[Sha256]) -> HubResult<HashMap<Sha256, u64>> {
    let held = list_held(&app.pool, repo_pk, oids).await?;
    let mut held: HashMap<Sha256, u64> = held.into_iter().map(|(oid, held)| (oid, held.size)).collect();
    if !app.store.presigns_uploads() {
        return Ok(held);
    }
    let missing: Vec<Sha256> = oids.iter().filter(|oid| !held.contains_key(*oid)).copied().collect();
    let adopted = stream::iter(missing)
        .map(|oid| async move { HubResult::Ok((oid, staging::adopt(app, repo_pk, oid, None).await?)) })
        .buffer_unordered(VERIFY_AT_ONCE);
    let adopted: Vec<_> = adopted.try_collect().await?;
    held.extend(adopted.into_iter().filter_map(|(oid, size)| Some((oid, size?))));
    Ok(held)
}

/// Since when a repository has these objects, as far as it has them.
///
/// # Errors
/// The database does not answer.
pub async fn list_held_since(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    oids: &[Sha256],
) -> sqlx::Result<HashMap<Sha256, DateTime<Utc>>> {
    queries::list_held_since(conn, repo_pk, oids).await
}

/// Of these objects, those that a repository has, with their sizes; and it keeps them for as long as an upload that
/// is not committed yet, for their uploader is about to be told that they need not be sent.
///
/// # Errors
/// The database does not answer.
pub async fn keep_held(app: &App, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<HashMap<Sha256, u64>> {
    let held = list_held(&app.pool, repo_pk, oids).await?;
    let held: Vec<Sha256> = held.into_keys().collect();
    queries::keep(&app.pool, repo_pk, &held).await
}

/// Lets a repository have objects that are verified already, and gives those that it has now: one that was just
/// collected is missing.
///
/// # Errors
/// The database does not answer.
pub async fn link(conn: &mut PgConnection, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<Vec<Sha256>> {
    queries::revive(conn, oids).await?;
    queries::link(conn, repo_pk, oids).await
}

/// Takes objects away from a repository. Other nodes hear of it at once; one that does not may give them out for a minute
/// more.
///
/// # Errors
/// The database does not answer.
pub async fn unlink(app: &App, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<()> {
    let mut tx = app.begin().await?;
    unlink_in(&mut tx, repo_pk, oids).await?;
    tx.commit().await?;
    oids.iter().for_each(|oid| app.held_objects.invalidate(&(repo_pk, *oid)));
    Ok(())
}

/// Takes objects away from a repository and gives how many it had of them, and their bytes. What was prepared for the
/// commit point before may name them, and is refused there.
///
/// # Errors
/// The database does not answer.
pub async fn unlink_in(conn: &mut PgConnection, repo_pk: i64, oids: &[Sha256]) -> sqlx::Result<(u64, u64)> {
    queries::bump_generation(conn, repo_pk).await?;
    queries::unlink(conn, repo_pk, oids).await
}

/// Lets a repository have everything another one has: some rows, no bytes.
///
/// # Errors
/// The database does not answer.
pub async fn share_all(conn: &mut PgConnection, from_pk: i64, to_pk: i64) -> sqlx::Result<()> {
    queries::link_all(conn, from_pk, to_pk).await
}
