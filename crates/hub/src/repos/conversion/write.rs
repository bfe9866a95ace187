//! The new file: its tensors stream from where they lie into the store, and are read back and compared.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::stream::{self, BoxStream};
use hub_types::Sha256;
use hub_weights::checkpoint::{Conversion, Source, Strided};
use hub_weights::{Step, Tensor, parse_layout};
use sha2::{Digest as _, Sha256 as Hasher};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::files::SourceFile;
use super::{Part, read};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::receive::receive_unknown;
use crate::objects::{self, Held};
use crate::quotas;
use crate::repos::queries::Repo;
use crate::repos::queries::conversions::{Wish, note_progress};
use crate::repos::weight_files::{self, WeightFile};

/// How many pieces may wait for the store.
const WAITING: usize = 4;
/// How often it is noted how far it is.
const NOTE_EVERY: Duration = Duration::from_secs(2);
/// How many names of what is left out are told.
const MAX_TOLD: usize = 20;

type Digest = [u8; 32];
type Sender = mpsc::Sender<Result<Bytes, String>>;

/// How far it is.
struct Progress<'a> {
    app: &'a App,
    conversion_pk: i64,
    done: u64,
    noted: Instant,
}

impl Progress<'_> {
    async fn add(&mut self, bytes: usize) -> HubResult<()> {
        self.done = self.done.saturating_add(bytes as u64);
        if self.noted.elapsed() >= NOTE_EVERY {
            self.noted = Instant::now();
            note_progress(&self.app.pool, self.conversion_pk, i64::try_from(self.done).unwrap_or(i64::MAX)).await?;
        }
        Ok(())
    }
}

/// Converts a file; the repository has the new one then, and no commit names it. `done` is how much was done before.
///
/// # Errors
/// 422 for what cannot be converted, 413 when there is no room, 503 when the store does not answer.
pub(super) async fn convert(app: &App, repo: &Repo, wish: &Wish, source: &SourceFile, done: u64) -> HubResult<Part> {
    let gone = || HubError::unprocessable(format!("The bytes of `{}` are gone. Upload it again.", source.path));
    let file = weight_files::open(app, repo, wish.commit, &source.path).await?.ok_or_else(gone)?;
    let plan = read::plan(app, &file).await?;
    let conversion = plan.conversion;
    quotas::require_room_for_new(app, repo.pk, &[conversion.bytes]).await?;
    let mut progress = Progress { app, conversion_pk: wish.conversion_pk, done, noted: Instant::now() };
    let (sender, receiver) = mpsc::channel(WAITING);
    let pieces = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    let received = receive_unknown(app, repo.pk, Box::pin(pieces));
    let (sent, received) = tokio::join!(send(app, &file, &conversion, sender, &mut progress), received);
    // What could not be read is the reason why the store got no more.
    let digests = sent?;
    let (oid, size) = received?;
    let digests = digests.ok_or_else(|| HubError::internal("the store took less than was sent"))?;
    let held = objects::find_held(app, repo.pk, oid).await?;
    let held = held.ok_or_else(|| HubError::internal("a file that was written is gone"))?;
    compare(app, (&oid, &held), &conversion, &digests, &mut progress).await?;
    let reordered = conversion.pieces.iter().filter(|piece| matches!(piece.source, Source::Strided(_))).count();
    Ok(Part {
        read: source.content.clone(),
        oid,
        size,
        tensors: conversion.pieces.len(),
        reordered,
        alias_count: conversion.aliases.len(),
        aliases: conversion.aliases.into_iter().take(MAX_TOLD).collect(),
        dropped: plan.dropped,
        dropped_count: plan.dropped_count,
    })
}

/// Sends the new file on, and gives the digest of each tensor; nothing when nobody takes it any more. Whoever takes it hears of a
/// failure, so that half a file is no file.
async fn send(
    app: &App,
    file: &WeightFile,
    conversion: &Conversion,
    sender: Sender,
    progress: &mut Progress<'_>,
) -> HubResult<Option<Vec<Digest>>> {
    let sent = send_all(app, file, conversion, &sender, progress).await;
    if let Err(error) = &sent {
        // Nobody hears it when the store has failed before.
        let _ = sender.send(Err(error.message().to_owned())).await;
    }
    sent
}

async fn send_all(
    app: &App,
    file: &WeightFile,
    conversion: &Conversion,
    sender: &Sender,
    progress: &mut Progress<'_>,
) -> HubResult<Option<Vec<Digest>>> {
    if sender.send(Ok(Bytes::from(conversion.header.clone()))).await.is_err() {
        return Ok(None);
    }
    let mut digests = Vec::with_capacity(conversion.pieces.len());
    for piece in &conversion.pieces {
        let (mut hasher, mut left) = (Hasher::new(), piece.bytes);
        let mut parts = match &piece.source {
            Source::Straight(range) => file.stream(app, range.clone()).await?,
            Source::Strided(strided) => gathered(app, file, strided).await?,
        };
        while let Some(bytes) = parts.try_next().await? {
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or_else(|| HubError::internal("the store gave more than was asked for"))?;
            progress.add(bytes.len()).await?;
            hasher = hashed(hasher, bytes.clone()).await?;
            if sender.send(Ok(bytes)).await.is_err() {
                return Ok(None);
            }
        }
        if left > 0 {
            return Err(HubError::internal("the store gave less than was asked for"));
        }
        digests.push(hasher.finalize().into());
    }
    Ok(Some(digests))
}

/// A tensor that does not lie in order, in order.
async fn gathered(app: &App, file: &WeightFile, strided: &Strided) -> HubResult<BoxStream<'static, HubResult<Bytes>>> {
    let bytes = file.read(app, strided.range.clone()).await?;
    let strided = strided.clone();
    let ordered = tokio::task::spawn_blocking(move || strided.gather(&bytes)).await?;
    let ordered = ordered.ok_or_else(|| HubError::internal("the store gave less than was asked for"))?;
    Ok(Box::pin(stream::iter([Ok(Bytes::from(ordered))])))
}

async fn hashed(mut hasher: Hasher, bytes: Bytes) -> HubResult<Hasher> {
    let add = move || {
        hasher.update(&bytes);
        hasher
    };
    Ok(tokio::task::spawn_blocking(add).await?)
}

/// Reads the new file as it is in the store: its header must say what was planned, and the bytes of each tensor be those that were read
/// from the checkpoint.
async fn compare(
    app: &App,
    (oid, held): (&Sha256, &Held),
    conversion: &Conversion,
    digests: &[Digest],
    progress: &mut Progress<'_>,
) -> HubResult<()> {
    let wrong = |what: &str| HubError::internal(format!("a converted file differs from what was read: {what}"));
    if held.size != conversion.bytes {
        return Err(wrong("its size"));
    }
    let mut file = Parts { stream: objects::read::stream(app, oid, held, 0..held.size).await?, rest: Bytes::new() };
    let mut header = Vec::with_capacity(conversion.header.len());
    while header.len() < conversion.header.len() {
        header.extend_from_slice(&file.take((conversion.header.len() - header.len()) as u64).await?);
    }
    let tensors = layout(header, held.size).await?.ok_or_else(|| wrong("its header"))?;
    let mut by_name: HashMap<&str, &Tensor> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut at = conversion.header.len() as u64;
    for (piece, digest) in conversion.pieces.iter().zip(digests) {
        let tensor = by_name.remove(piece.name.as_str()).ok_or_else(|| wrong(&piece.name))?;
        if tensor.dtype != piece.dtype.name() || tensor.shape != piece.shape || tensor.bytes != (at..at + piece.bytes) {
            return Err(wrong(&piece.name));
        }
        at += piece.bytes;
        let (mut hasher, mut left) = (Hasher::new(), piece.bytes);
        while left > 0 {
            let bytes = file.take(left).await?;
            left -= bytes.len() as u64;
            progress.add(bytes.len()).await?;
            hasher = hashed(hasher, bytes).await?;
        }
        if Digest::from(hasher.finalize()) != *digest {
            return Err(wrong(&piece.name));
        }
    }
    if by_name.is_empty() { Ok(()) } else { Err(wrong("it has more tensors")) }
}

/// The tensors of a header that is there whole.
async fn layout(header: Vec<u8>, size: u64) -> HubResult<Option<Vec<Tensor>>> {
    let parsed = tokio::task::spawn_blocking(move || parse_layout(&header, size)).await?;
    Ok(if let Ok(Step::Done(tensors)) = parsed { Some(tensors) } else { None })
}

/// The names of the tensors of a file that was written.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn names(app: &App, repo: &Repo, part: &Part) -> HubResult<Vec<String>> {
    let lost = || HubError::internal("a file that was written is gone");
    let held = objects::find_held(app, repo.pk, part.oid).await?.ok_or_else(lost)?;
    let mut wanted = 8;
    loop {
        let mut file = Parts { stream: objects::read::stream(app, &part.oid, &held, 0..wanted).await?, rest: Bytes::new() };
        let mut header = Vec::new();
        while (header.len() as u64) < wanted {
            header.extend_from_slice(&file.take(wanted - header.len() as u64).await?);
        }
        match tokio::task::spawn_blocking(move || parse_layout(&header, held.size)).await? {
            Ok(Step::Done(tensors)) => return Ok(tensors.into_iter().map(|tensor| tensor.name).collect()),
            Ok(Step::NeedBytes(bytes)) if bytes > wanted => wanted = bytes,
            _ => return Err(lost()),
        }
    }
}

/// A stream in parts of sizes that its reader wants.
struct Parts {
    stream: BoxStream<'static, HubResult<Bytes>>,
    rest: Bytes,
}

impl Parts {
    /// The next bytes: some, and at most so many.
    async fn take(&mut self, most: u64) -> HubResult<Bytes> {
        while self.rest.is_empty() {
            let next = self.stream.try_next().await?;
            self.rest = next.ok_or_else(|| HubError::internal("the store gave less than was asked for"))?;
        }
        let count = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(count))
    }
}
