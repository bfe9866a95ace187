//! The bytes of a file in order, out of xorbs: what every client gets that does not speak Xet. Each chunk is checked
//! against its hash before it goes out, and memory does not depend on the file.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use hub_storage::StorageKey;
use hub_types::{Sha256, XetHash};
use hub_xet::Term;
use sha2::Digest as _;

use super::{XetFile, Xorb, queries, store};
use crate::app::App;
use crate::error::{HubError, HubResult};

/// How many bytes of a file are decoded at once.
const PIECE_BYTES: u64 = 1024 * 1024;
/// How many pieces one reader holds.
const PIECES_AT_ONCE: usize = 3;

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
pub fn stream(app: &App, file: Arc<XetFile>, range: Range<u64>) -> impl Stream<Item = HubResult<Bytes>> + 'static {
    let app = app.clone();
    let walk = Walk { app: app.clone(), file, next_term: 0, at: 0, range, ready: VecDeque::new() };
    let pieces = stream::try_unfold(walk, |mut walk| async move {
        let piece = walk.next().await?;
        HubResult::Ok(piece.map(|piece| (piece, walk)))
    });
    pieces.map_ok(move |piece| piece.read(app.clone())).try_buffered(PIECES_AT_ONCE)
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

/// Goes through the terms of a file and cuts what is wanted of them into pieces.
struct Walk {
    app: App,
    file: Arc<XetFile>,
    next_term: usize,
    /// Where the next term begins in the file.
    at: u64,
    range: Range<u64>,
    ready: VecDeque<Piece>,
}

impl Walk {
    async fn next(&mut self) -> HubResult<Option<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
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
                self.cut(&term, xorb, &wanted)?;
            }
        }
    }

    /// Cuts the bytes `wanted` of a term into pieces of whole chunks.
    fn cut(&mut self, term: &Term, xorb: &Arc<Xorb>, wanted: &Range<u64>) -> HubResult<()> {
        let (mut at, mut open) = (0, None::<Piece>);
        for chunk in term.start..term.end {
            let (start, end) = (at, at + u64::from(xorb.info.raw_len(chunk..chunk + 1).map_err(HubError::internal)?));
            at = end;
            if end <= wanted.start || start >= wanted.end {
                continue;
            }
            let mut piece = open.take().unwrap_or_else(|| Piece {
                hash: term.xorb,
                xorb: Arc::clone(xorb),
                chunks: chunk..chunk,
                skip: wanted.start.saturating_sub(start),
                take: 0,
            });
            piece.chunks.end = chunk + 1;
            piece.take += end.min(wanted.end) - start.max(wanted.start);
            match piece.take >= PIECE_BYTES {
                true => self.ready.push_back(piece),
                false => open = Some(piece),
            }
        }
        self.ready.extend(open);
        Ok(())
    }
}

/// Neighbouring chunks of one xorb, and which of their bytes are wanted.
struct Piece {
    hash: XetHash,
    xorb: Arc<Xorb>,
    chunks: Range<u32>,
    skip: u64,
    take: u64,
}

impl Piece {
    async fn read(self, app: App) -> HubResult<Bytes> {
        let key = StorageKey::xorb(&self.hash, self.xorb.nonce);
        let stored = self.xorb.info.stored_range(self.chunks.clone()).map_err(HubError::internal)?;
        let stored = match app.store.get_range(&key, stored.start.into()..stored.end.into()).await {
            Err(error) if error.is_not_found() => match self.moved(&app).await? {
                Some(moved) => return Box::pin(moved.read(app)).await,
                None => return Err(error.into()),
            },
            other => other?,
        };
        let decode = move || {
            let raw = hub_xet::decode(&self.xorb.info, self.chunks, &stored).map_err(HubError::internal)?;
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(raw.len());
            let wanted = at(self.skip)..at(self.skip + self.take);
            HubResult::Ok(Bytes::from(raw).slice(wanted))
        };
        tokio::task::spawn_blocking(decode).await?
    }

    /// The same piece of the xorb as it lies now, if it was collected and came again since it was looked up.
    async fn moved(&self, app: &App) -> HubResult<Option<Self>> {
        app.xet.forget_xorb(&self.hash).await;
        let now = store::load(app, &[self.hash]).await?.remove(&self.hash);
        let moved = now.filter(|now| now.nonce != self.xorb.nonce);
        Ok(moved.map(|xorb| Self { xorb, hash: self.hash, chunks: self.chunks.clone(), skip: self.skip, take: self.take }))
    }
}
