//! The bytes of a large file out of the store, whether it lies there whole or in chunks. Nothing here asks who may read.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt as _};
use futures::{TryStreamExt as _, future};
use hub_types::Sha256;
use sha2::Digest as _;

use super::Held;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::xet;

/// Streams a part of an object.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn stream(app: &App, oid: &Sha256, held: &Held, range: Range<u64>) -> HubResult<BoxStream<'static, HubResult<Bytes>>> {
    if let Some(key) = held.plain_key(oid) {
        match app.store.get_stream(&key, Some(range.clone())).await {
            Ok(object) => return Ok(object.stream.map_err(HubError::from).boxed()),
            Err(error) if !error.is_not_found() => return Err(error.into()),
            // What is remembered of where it lies may be a minute old.
            Err(error) => match super::find_placement(&app.pool, oid).await? {
                Some(now) if now != *held => return Box::pin(stream(app, oid, &now, range)).await,
                _ => return Err(error.into()),
            },
        }
    }
    let gone = || HubError::internal(format!("the chunks of {oid} are gone"));
    let file_hash = held.file_hash.ok_or_else(gone)?;
    let file = xet::read::find(app, &file_hash).await?.ok_or_else(gone)?;
    Ok(xet::read::stream(app, file, range).boxed())
}

/// Reads the first bytes of an object into memory; fewer when it is shorter.
///
/// # Errors
/// 503 when the store does not answer; 500 for an object that the hub does not hold.
pub async fn head(app: &App, oid: &Sha256, count: u64) -> HubResult<Bytes> {
    let held = super::find_placement(&app.pool, oid).await?;
    let held = held.ok_or_else(|| HubError::internal(format!("{oid} is not in the hub")))?;
    let mut stream = stream(app, oid, &held, 0..count.min(held.size)).await?;
    let mut bytes = BytesMut::new();
    while let Some(part) = stream.try_next().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.freeze())
}

/// Reads an object and computes its SHA-256.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn digest(app: &App, oid: &Sha256, held: &Held) -> HubResult<Sha256> {
    let parts = stream(app, oid, held, 0..held.size).await?;
    let hasher = parts.try_fold(sha2::Sha256::new(), |mut hasher, bytes| {
        hasher.update(&bytes);
        future::ok(hasher)
    });
    Ok(Sha256::from_bytes(hasher.await?.finalize().into()))
}
