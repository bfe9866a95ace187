//! The bytes of a file in order, out of xorbs: what every client gets that does not speak Xet. Each chunk is checked
//! against its hash before it goes out, and memory does not depend on the file.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures::{Stream, TryStreamExt as _, stream};
use hub_storage::{Buffers, ObjectStream, StorageKey};
use hub_types::{Sha256, XetHash};
use hub_xet::{RangeDecoder, Term};
use sha2::Digest as _;

use super::{Xet, XetFile, Xorb, queries, store};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// Finds a file by its hash. Says nothing about who may read it.
///
/// # Errors
/// 503 when the database does not answer.
pub async fn find(app: &App, file_hash: &XetHash) -> HubResult<Option<Arc<XetFile>>> {
    if let Some(file) = app.xet.files.get(file_hash).await {
        return Ok(Some(file));
    }
    let Some(row) = queries::find_file(&app.pool, file_hash).await? else { return Ok(None) };
    let terms = Term::list_from_bytes(&row.terms).map_err(HubError::internal)?;
    let file = Arc::new(XetFile { size: row.size_bytes.unsigned_abs(), terms });
    app.xet.files.insert(*file_hash, Arc::clone(&file)).await;
    Ok(Some(file))
}

/// Streams a part of a file.
pub fn stream(app: &App, file: Arc<XetFile>, range: Range<u64>) -> impl Stream<Item = HubResult<Bytes>> + use<> {
    let walk = Walk { app: app.clone(), file, next_term: 0, at: 0, range };
    let runs = stream::try_unfold(walk, |mut walk| async move {
        let run = walk.next().await?;
        HubResult::Ok(run.map(|run| (run, walk)))
    });
    let app = app.clone();
    runs.and_then(move |run| run.open(app.clone())).try_flatten()
}

/// Computes the SHA-256 of a file whose terms are known to hold.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn digest(app: &App, file: Arc<XetFile>) -> HubResult<Sha256> {
    let size = file.size;
    let pieces = stream(app, file, 0..size);
    let hasher = pieces.try_fold(sha2::Sha256::new(), |mut hasher, bytes| async move {
        let update = move || {
            hasher.update(&bytes);
            hasher
        };
        Ok(tokio::task::spawn_blocking(update).await?)
    });
    Ok(Sha256::from_bytes(hasher.await?.finalize().into()))
}

/// Goes through the terms of a file and finds what is wanted of each.
struct Walk {
    app: App,
    file: Arc<XetFile>,
    next_term: usize,
    /// Where the next term begins in the file.
    at: u64,
    range: Range<u64>,
}

impl Walk {
    async fn next(&mut self) -> HubResult<Option<Run>> {
        loop {
            let Some(term) = self.file.terms.get(self.next_term).cloned() else { return Ok(None) };
            let (start, end) = (self.at, self.at + u64::from(term.raw_len));
            if start >= self.range.end {
                return Ok(None);
            }
            (self.next_term, self.at) = (self.next_term + 1, end);
            if end > self.range.start {
                let xorbs = store::load(&self.app, &[term.xorb]).await?;
                let xorb = xorbs.get(&term.xorb).ok_or_else(|| HubError::internal(format!("xorb {} is gone", term.xorb)))?;
                let wanted = self.range.start.saturating_sub(start)..self.range.end.min(end) - start;
                return Run::of_term(&term, xorb, &wanted).map(Some);
            }
        }
    }
}

/// Neighbouring chunks of one xorb, and which of their bytes are wanted.
#[derive(Clone)]
struct Run {
    hash: XetHash,
    xorb: Arc<Xorb>,
    chunks: Range<u32>,
    skip: u64,
    take: u64,
}

impl Run {
    /// The chunks in which the bytes `wanted` of a term lie.
    fn of_term(term: &Term, xorb: &Arc<Xorb>, wanted: &Range<u64>) -> HubResult<Self> {
        let mut run = Self { hash: term.xorb, xorb: Arc::clone(xorb), chunks: term.start..term.end, skip: wanted.start, take: 0 };
        run.take = wanted.end - wanted.start;
        let mut at = 0;
        for chunk in term.start..term.end {
            let end = at + u64::from(xorb.info.raw_len(chunk..chunk + 1).map_err(HubError::internal)?);
            if end <= wanted.start {
                (run.chunks.start, run.skip) = (chunk + 1, wanted.start - end);
            }
            if end >= wanted.end {
                run.chunks.end = chunk + 1;
                break;
            }
            at = end;
        }
        Ok(run)
    }

    /// Begins to read. The stored bytes come in blocks, and are decoded block by block.
    async fn open(mut self, app: App) -> HubResult<impl Stream<Item = HubResult<Bytes>>> {
        let stored = match self.stored(&app).await {
            Err(error) if error.is_not_found() => match self.moved(&app).await? {
                Some(moved) => {
                    self = moved;
                    self.stored(&app).await?
                }
                None => return Err(error.into()),
            },
            other => other?,
        };
        let decoder = RangeDecoder::new(Arc::clone(&self.xorb.info), self.chunks.clone()).map_err(HubError::internal)?;
        let cut = Cut { skip: self.skip, take: self.take };
        Ok(stream::try_unfold((stored.stream, decoder, cut), move |(mut stored, decoder, mut cut)| {
            let xet = app.xet.clone();
            async move {
                let Some(block) = stored.try_next().await? else {
                    decoder.finish().map_err(HubError::internal)?;
                    return Ok(None);
                };
                let (decoder, raw) = decode(&xet, decoder, block).await?;
                Ok(Some((cut.apply(raw), (stored, decoder, cut))))
            }
        }))
    }

    async fn stored(&self, app: &App) -> Result<ObjectStream, hub_storage::Error> {
        let key = StorageKey::xorb(&self.hash, self.xorb.nonce);
        let range = self.xorb.info.stored_range(self.chunks.clone()).unwrap_or_default();
        app.store.get_stream(&key, Some(range.start.into()..range.end.into())).await
    }

    /// The same run of the xorb as it lies now, if it was collected and came again since it was looked up.
    async fn moved(&self, app: &App) -> HubResult<Option<Self>> {
        app.xet.forget_xorb(&self.hash).await;
        let now = store::load(app, &[self.hash]).await?.remove(&self.hash);
        let moved = now.filter(|now| now.nonce != self.xorb.nonce);
        Ok(moved.map(|xorb| Self { xorb, ..self.clone() }))
    }
}

/// Decoded blocks on their way out. What a stored block decodes to is mostly no larger than that.
static RAW: Buffers = Buffers::new(256 * 1024, 64);

/// Decodes a block on another thread; few at once, or every reader would take a thread and its memory.
async fn decode(xet: &Xet, mut decoder: RangeDecoder, block: Bytes) -> HubResult<(RangeDecoder, Bytes)> {
    let _turn = xet.decoding.acquire().await.map_err(HubError::internal)?;
    let work = move || {
        let mut raw = RAW.take();
        decoder.decode(&block, &mut raw).map_err(HubError::internal)?;
        HubResult::Ok((decoder, RAW.share(raw)))
    };
    tokio::task::spawn_blocking(work).await?
}

/// What is still to be left out and given out of a run.
struct Cut {
    skip: u64,
    take: u64,
}

impl Cut {
    fn apply(&mut self, mut raw: Bytes) -> Bytes {
        let left_out = usize::try_from(self.skip).unwrap_or(usize::MAX).min(raw.len());
        raw.advance(left_out);
        raw.truncate(usize::try_from(self.take).unwrap_or(usize::MAX));
        self.skip -= left_out as u64;
        self.take -= raw.len() as u64;
        raw
    }
}
