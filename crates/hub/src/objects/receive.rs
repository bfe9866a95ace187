//! Bytes that pass through the hub: hashed while they stream, and visible only when they are what was promised.

use std::fmt::Display;

use bytes::Bytes;
use futures::Stream;
use hub_storage::{Error as StoreError, Expect, StorageKey};
use hub_types::Sha256;

use super::queries;
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Stores an object from a stream and lets a repository have it. Safe to repeat, also at the same time.
///
/// # Errors
/// 422 when size or SHA-256 are not as announced, 400 when the stream breaks off; nothing is kept then.
pub async fn receive<S, E>(app: &App, repo_pk: i64, oid: Sha256, size: u64, stream: S) -> HubResult<()>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let stored = app.store.put_stream(&StorageKey::lfs(&oid), stream, Expect::exactly(oid, size)).await;
    stored.map_err(refusal)?;
    register(app, repo_pk, oid, size).await
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
    let published = app.store.copy(&staged, &StorageKey::lfs(&stored.sha256)).await;
    if let Err(error) = app.store.delete(&staged).await {
        // The sweep gets it later.
        tracing::warn!(%error, "a staged upload could not be deleted");
    }
    published?;
    register(app, repo_pk, stored.sha256, stored.size).await?;
    Ok((stored.sha256, stored.size))
}

/// Notes that a verified object is in the store and that a repository has it.
///
/// # Errors
/// 404 when the repository was deleted meanwhile.
pub(super) async fn register(app: &App, repo_pk: i64, oid: Sha256, size: u64) -> HubResult<()> {
    let size = i64::try_from(size).map_err(|_| HubError::unprocessable("The file is larger than the hub can count."))?;
    match queries::register(&app.pool, repo_pk, oid, size).await? {
        true => Ok(()),
        false => Err(HubError::repo_not_found(false)),
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
