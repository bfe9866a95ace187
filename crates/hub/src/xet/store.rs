//! Xorbs into the store, checked on their way, and their metadata out of it.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use hub_storage::{Error as StoreError, Expect, StorageKey, Store};
use hub_types::XetHash;
use hub_xet::{Footer, XorbError, XorbInfo, XorbVerifier};
use tokio::sync::OwnedSemaphorePermit;

use super::pending::{self, Sender};
use super::queries::{self, NewXorb, XorbRow};
use super::{LEASE, Xorb};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::{self, receive::refusal};

/// The longest body that is read: chunks and the footer that older clients send after them.
const MAX_BODY_BYTES: u64 = (hub_xet::MAX_XORB_BODY_BYTES + hub_xet::MAX_XORB_INFO_BYTES) as u64;
/// How many bytes a thread is asked to check at once.
const CHECK_BATCH: usize = 512 * 1024;
/// How many metadata objects one request reads at once.
const READ_AT_ONCE: usize = 16;

/// Stores a xorb from a stream, checking every chunk as it comes. Nobody sees anything of it until all of it is found
/// to be what its hash says. `false` when it was here already. One whose bytes were lost is whole again afterwards. Safe to repeat, also
/// at the same time.
///
/// # Errors
/// 400 when the bytes are no xorb, or another one, 413 when the owner has no room for more; nothing is kept then.
pub async fn put_xorb<S, E>(app: &App, sender: Sender, hash: XetHash, body: S) -> HubResult<bool>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let known = look(app, &hash).await?;
    let room = match known {
        Known::Nothing => pending::reserve(app, &sender).await.map(Some),
        Known::Whole | Known::Lost(_) => Ok(None),
    };
    let nonce = StorageKey::fresh_nonce();
    let key = StorageKey::xorb(&hash, nonce);
    let outcome = Arc::new(Mutex::new(None));
    let checked = Box::pin(checked(hash, body, Arc::clone(&outcome)));
    let stored = match known == Known::Whole || room.is_err() {
        // Checked all the same: nobody is to learn whether it is here who does not have it.
        true => read_to_end(checked).await,
        false => app.store.put_stream(&key, checked, Expect::at_most(MAX_BODY_BYTES)).await.map(|stored| stored.size),
    };
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (stored, outcome) {
        (Ok(_), Some(Ok(_))) if known == Known::Whole => Ok(false),
        (Ok(size), Some(Ok(info))) => {
            let mut room = room?;
            if let Some(room) = &mut room
                && let Err(full) = room.grow(app, &sender, size).await
            {
                app.store.delete(&key).await?;
                return Err(full);
            }
            let body = Body { nonce, size, stored_at: Utc::now(), missed: known.missed(), is_pending: true };
            let inserted = publish(app, sender.repo_pk, body, &info).await?;
            if let Some(room) = room.filter(|_| inserted) {
                room.keep();
            }
            Ok(inserted)
        }
        (_, Some(Err(error))) => Err(HubError::bad_request(format!("The xorb was refused: {error}. Nothing was stored."))),
        (Err(error), _) => Err(refusal(error)),
        (Ok(_), None) => Err(HubError::internal("a xorb was stored unchecked")),
    }
}

/// Stores a xorb that the hub has built itself.
///
/// # Errors
/// 503 when the store or the database does not answer.
pub async fn put_built(app: &App, repo_pk: i64, body: Bytes, info: &XorbInfo) -> HubResult<()> {
    let known = look(app, info.hash()).await?;
    if known == Known::Whole {
        return Ok(());
    }
    let nonce = StorageKey::fresh_nonce();
    let size = body.len() as u64;
    app.store.put_bytes(&StorageKey::xorb(info.hash(), nonce), body).await?;
    // What it is made from counts already.
    let body = Body { nonce, size, stored_at: Utc::now(), missed: known.missed(), is_pending: false };
    publish(app, repo_pk, body, info).await.map(|_| ())
}

/// What the hub has of a xorb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Whole,
    /// A row with this nonce, of whose objects one is missing, by damage or by an old backup.
    Lost(i64),
}

impl Known {
    fn missed(self) -> Option<i64> {
        match self {
            Self::Lost(nonce) => Some(nonce),
            Self::Nothing | Self::Whole => None,
        }
    }
}

/// Looks for a xorb that is about to be sent, and renews its lease. Of one that is known the store is asked, too.
async fn look(app: &App, hash: &XetHash) -> HubResult<Known> {
    let held = queries::hold_xorbs(&mut *app.pool.acquire().await?, &[*hash], LEASE).await?;
    if held == 0 {
        return Ok(Known::Nothing);
    }
    let Some(row) = queries::list_xorbs(&app.pool, &[*hash]).await?.pop() else { return Ok(Known::Nothing) };
    Ok(if is_whole(app, &row).await? { Known::Whole } else { Known::Lost(row.nonce) })
}

/// Whether the store has the objects of a xorb, by their names and the size of the body: two questions, asked at once.
///
/// # Errors
/// The store does not answer.
pub async fn is_whole(app: &App, row: &XorbRow) -> Result<bool, StoreError> {
    let (body, meta) = (StorageKey::xorb(&row.xorb_hash, row.nonce), StorageKey::xorb_meta(&row.xorb_hash, row.nonce));
    let (size, has_meta) = tokio::try_join!(size_of(&app.store, &body), app.store.exists(&meta))?;
    Ok(has_meta && size == Some(row.stored_bytes.unsigned_abs()))
}

async fn size_of(store: &Store, key: &StorageKey) -> Result<Option<u64>, StoreError> {
    match store.head(key).await {
        Ok(info) => Ok(Some(info.size)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A body in the store that is no xorb yet.
struct Body {
    nonce: i64,
    size: u64,
    stored_at: DateTime<Utc>,
    /// See [`NewXorb::missed`].
    missed: Option<i64>,
    /// See [`NewXorb::is_pending`].
    is_pending: bool,
}

/// Makes a body in the store a xorb: its metadata is stored, then its row says that both are there.
async fn publish(app: &App, repo_pk: i64, body: Body, info: &XorbInfo) -> HubResult<bool> {
    let (hash, nonce) = (*info.hash(), body.nonce);
    app.store.put_bytes(&StorageKey::xorb_meta(&hash, nonce), info.to_bytes().map_err(HubError::internal)?).await?;
    objects::receive::check_fresh(body.stored_at)?;
    let too_many = |_| HubError::internal("a xorb over all limits");
    let new = NewXorb {
        xorb_hash: hash,
        nonce,
        chunk_count: i32::try_from(info.chunk_count()).map_err(too_many)?,
        raw_bytes: i64::from(info.total_raw_len()),
        stored_bytes: i64::try_from(body.size).map_err(too_many)?,
        repo_pk,
        is_pending: body.is_pending,
        missed: body.missed,
    };
    let inserted = queries::insert_xorb(&app.pool, &new, LEASE).await?;
    if !inserted {
        // Somebody was faster, perhaps with other compression. Theirs counts, ours goes.
        discard(app, &hash, nonce).await?;
    } else if body.missed.is_some() {
        // What is left under the old nonce is an orphan now, and goes as such.
        app.xet.forget_xorb(&hash).await;
        tracing::warn!(%hash, "the bytes of a xorb were missing; an upload of the same xorb replaces them");
    }
    Ok(inserted)
}

/// Removes the objects of a xorb that no row names.
///
/// # Errors
/// The store does not answer.
pub async fn discard(app: &App, hash: &XetHash, nonce: i64) -> Result<(), StoreError> {
    app.store.delete(&StorageKey::xorb(hash, nonce)).await?;
    app.store.delete(&StorageKey::xorb_meta(hash, nonce)).await
}

/// Reads a body that is not kept; gives its size.
async fn read_to_end(body: impl Stream<Item = Result<Bytes, String>>) -> Result<u64, StoreError> {
    let size = body.try_fold(0, |size, part| async move { Ok(size + part.len() as u64) });
    size.await.map_err(|reason| StoreError::Interrupted { reason })
}

type Outcome = Arc<Mutex<Option<Result<XorbInfo, XorbError>>>>;

struct Checking<S> {
    body: S,
    /// `None` when there is nothing more to come.
    verifier: Option<XorbVerifier>,
    outcome: Outcome,
}

/// Passes on what a checker on another thread has found good. What it says in the end is left in `outcome`.
fn checked<S, E>(hash: XetHash, body: S, outcome: Outcome) -> impl Stream<Item = Result<Bytes, String>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let start = Checking { body, verifier: Some(XorbVerifier::new(hash, Footer::Ignored)), outcome };
    stream::try_unfold(start, |mut state| async move {
        let Some(verifier) = state.verifier.take() else { return Ok(None) };
        let batch = next_batch(&mut state.body).await?;
        let is_end = batch.is_empty();
        let outcome = Arc::clone(&state.outcome);
        let check = tokio::task::spawn_blocking(move || check(verifier, batch, is_end, &outcome));
        let (verifier, good) = check.await.map_err(|error| error.to_string())??;
        state.verifier = verifier;
        Ok::<_, String>(Some((stream::iter(good.into_iter().map(Ok)), state)))
    })
    .try_flatten()
}

async fn next_batch<S, E>(body: &mut S) -> Result<Vec<Bytes>, String>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while bytes < CHECK_BATCH {
        let Some(part) = body.next().await else { break };
        let part = part.map_err(|error| error.to_string())?;
        bytes += part.len();
        if !part.is_empty() {
            batch.push(part);
        }
    }
    Ok(batch)
}

fn check(
    mut verifier: XorbVerifier,
    mut batch: Vec<Bytes>,
    is_end: bool,
    outcome: &Outcome,
) -> Result<(Option<XorbVerifier>, Vec<Bytes>), String> {
    let say = |result: Result<XorbInfo, XorbError>| {
        let refused = result.is_err();
        *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        if refused { Err("refused".to_owned()) } else { Ok((None, Vec::new())) }
    };
    if is_end {
        return say(verifier.finish());
    }
    for part in &mut batch {
        match verifier.push(part) {
            // What follows the chunks (a footer of older clients) is not kept.
            Ok(kept) => part.truncate(kept),
            Err(error) => return say(Err(error)),
        }
    }
    Ok((Some(verifier), batch))
}

/// Finds stored xorbs; those that are not here are missing in the answer.
///
/// # Errors
/// 503 when the database or the store does not answer.
pub async fn load(app: &App, hashes: &[XetHash]) -> HubResult<HashMap<XetHash, Arc<Xorb>>> {
    let mut found = HashMap::new();
    let mut wanted = Vec::new();
    for hash in hashes {
        match app.xet.xorbs.get(hash).await {
            Some(xorb) => _ = found.insert(*hash, xorb),
            None => wanted.push(*hash),
        }
    }
    if wanted.is_empty() {
        return Ok(found);
    }
    let rows = queries::list_xorbs(&app.pool, &wanted).await?;
    let read = stream::iter(rows).map(|row| async move {
        let bytes = app.store.get_bytes(&StorageKey::xorb_meta(&row.xorb_hash, row.nonce)).await?;
        // Reading it checks the hash over all chunks.
        let info = tokio::task::spawn_blocking(move || XorbInfo::from_bytes(&bytes)).await?.map_err(HubError::internal)?;
        if *info.hash() != row.xorb_hash {
            return Err(HubError::internal(format!("the metadata of xorb {} is that of another", row.xorb_hash)));
        }
        HubResult::Ok((row.xorb_hash, Arc::new(Xorb { nonce: row.nonce, info: Arc::new(info) })))
    });
    let read: Vec<_> = read.buffer_unordered(READ_AT_ONCE).try_collect().await?;
    let many = read.len() >= READ_AT_ONCE;
    for (hash, xorb) in read {
        app.xet.xorbs.insert(hash, Arc::clone(&xorb)).await;
        found.insert(hash, xorb);
    }
    if many {
        // Or what is too much for the memory stays there for a while.
        app.xet.xorbs.run_pending_tasks().await;
    }
    Ok(found)
}

/// Some xorbs, and the leave to have their lists in memory. Who has one gives it back before asking for the next.
#[derive(Debug)]
pub struct Window {
    /// Those that are here.
    pub xorbs: HashMap<XetHash, Arc<Xorb>>,
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

/// Finds stored xorbs as [`load`] does, when there is room for their lists: at most [`LISTS_AT_ONCE`](super::LISTS_AT_ONCE) of them.
///
/// # Errors
/// As [`load`].
pub async fn load_window(app: &App, hashes: &[XetHash]) -> HubResult<Window> {
    let room = app.xet.room_for_lists(hashes.len()).await;
    Ok(Window { xorbs: load(app, hashes).await?, _room: room })
}
