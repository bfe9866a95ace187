//! Bytes that pass through the hub: hashed while they stream, and visible only when they are what was promised.

use std::fmt::Display;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::Stream;
use hub_storage::{Error as StoreError, Expect, StorageKey};
use hub_types::Sha256;

use super::queries::{self, Registered};
use crate::app::App;
use crate::error::{ErrorKind, HubError, HubResult};
use crate::quotas;

/// Stores an object from a stream and lets a repository have it. Safe to repeat, also at the same time.
///
/// # Errors
/// 422 when size or SHA-256 are not as announced, 400 when the stream breaks off; nothing is kept then.
pub async fn receive<S, E>(app: &App, repo_pk: i64, oid: Sha256, size: u64, stream: S) -> HubResult<()>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let nonce = StorageKey::fresh_nonce();
    let stored = app.store.put_stream(&StorageKey::lfs(&oid, Some(nonce)), stream, Expect::exactly(oid, size)).await;
    stored.map_err(refusal)?;
    register(app, repo_pk, oid, Upload { nonce, size, stored_at: Utc::now() }).await
}

/// Verified bytes in the store that are no object yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upload {
    pub(super) nonce: i64,
    pub(super) size: u64,
    /// When the store had them whole.
    pub(super) stored_at: DateTime<Utc>,
}

/// Stores an object whose SHA-256 nobody has announced (a browser's upload), and lets a repository have it. Gives its
/// SHA-256 and its size in bytes.
///
/// # Errors
/// 400 when the stream breaks off; nothing is kept then.
pub async fn receive_unknown<S, E>(app: &App, repo_pk: i64, stream: S) -> HubResult<(Sha256, u64)>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let staged = StorageKey::upload(&format!("{repo_pk}/form-{:016x}", rand::random::<u64>()));
    let stored = app.store.put_stream(&staged, stream, Expect::at_most(u64::MAX)).await.map_err(refusal)?;
    let nonce = StorageKey::fresh_nonce();
    let published = app.store.copy(&staged, &StorageKey::lfs(&stored.sha256, Some(nonce))).await;
    if let Err(error) = app.store.delete(&staged).await {
        // The sweep gets it later.
        tracing::warn!(%error, "a staged upload could not be deleted");
    }
    published?;
    register(app, repo_pk, stored.sha256, Upload { nonce, size: stored.size, stored_at: Utc::now() }).await?;
    Ok((stored.sha256, stored.size))
}

/// Notes that a verified object is in the store and that a repository has it.
///
/// # Errors
/// 404 when the repository was deleted meanwhile, 413 when its owner has no room for it.
pub(super) async fn register(app: &App, repo_pk: i64, oid: Sha256, upload: Upload) -> HubResult<()> {
    let size = i64::try_from(upload.size).map_err(|_| HubError::unprocessable("The file is larger than the hub can count."))?;
    check_fresh(upload.stored_at)?;
    let registered = match register_within(app, repo_pk, oid, upload, size).await {
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            // No row names it, and none ever will.
            app.store.delete(&StorageKey::lfs(&oid, Some(upload.nonce))).await?;
            return Err(error);
        }
        other => other?,
    };
    app.held_objects.invalidate(&(repo_pk, oid));
    if let Registered::Elsewhere(missed) = registered
        && !app.store.exists(&StorageKey::lfs(&oid, missed)).await?
        && queries::replace(&app.pool, oid, missed, upload.nonce).await?
    {
        // Lost by damage or by an old backup, and whole again.
        tracing::warn!(%oid, "the bytes of a large file were missing; an upload of the same file replaces them");
        return Ok(());
    }
    if registered != Registered::Here {
        // No row names it, and none ever will.
        app.store.delete(&StorageKey::lfs(&oid, Some(upload.nonce))).await?;
    }
    match registered {
        Registered::RepoGone => Err(HubError::repo_not_found(false)),
        Registered::Here | Registered::Elsewhere(_) => Ok(()),
    }
}

/// Notes it, unless the owner of the repository has no room for it.
async fn register_within(app: &App, repo_pk: i64, oid: Sha256, upload: Upload, size: i64) -> HubResult<Registered> {
    let mut tx = app.begin().await?;
    let (registered, is_new) = queries::register(&mut tx, repo_pk, oid, upload.nonce, size).await?;
    if registered == Registered::RepoGone {
        // Nothing of this is kept.
        return Ok(registered);
    }
    if is_new {
        quotas::check_added(app, &mut tx, repo_pk, upload.size).await?;
    }
    tx.commit().await?;
    Ok(registered)
}

/// The longest that stored bytes may wait for the row that names them: half of what garbage collection gives them.
const FRESH: TimeDelta = TimeDelta::days(1);

/// Refuses to name bytes that have lain in the store for so long (the machine stood still) that garbage collection may
/// have taken them for an orphan. By this machine's own clock, which goes on while the machine is suspended; when it was set
/// meanwhile, nobody knows how long it was.
///
/// # Errors
/// 503: the client sends them again.
pub fn check_fresh(stored_at: DateTime<Utc>) -> HubResult<()> {
    match (Utc::now() - stored_at).abs() < FRESH {
        true => Ok(()),
        false => Err(HubError::unavailable("The upload took too long. Send it again.", "stored bytes waited for a day")),
    }
}

/// Words what the store has against the bytes that a client sent.
pub fn refusal(error: StoreError) -> HubError {
    match error {
        StoreError::SizeMismatch { expected, found } => {
            // Reading stops as soon as it is too much.
            let came = if found < expected { format!("only {found}") } else { format!("at least {found}") };
            HubError::unprocessable(format!(
                "The upload was refused: {expected} bytes were announced, but {came} came. Nothing was stored. \
                 If the file changed meanwhile, upload it again."
            ))
        }
        StoreError::HashMismatch { expected, found } => HubError::unprocessable(format!(
            "The upload was refused: its bytes have the SHA-256 {found}, not {expected} as announced. Nothing was stored; \
             upload the file again."
        )),
        StoreError::TooLarge { limit } => {
            HubError::too_large(format!("The upload was refused: it is larger than {limit} bytes."))
        }
        StoreError::Interrupted { reason } => {
            HubError::bad_request(format!("The upload broke off before its end ({reason}). Nothing was stored; send it again."))
        }
        other => other.into(),
    }
}
