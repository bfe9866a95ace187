//! A plain large file becomes one in chunks, in the background, so that clients that speak Xet get it that way and what
//! it shares with others is kept once. The chunks are cut as the clients cut them, or nothing would be shared.

use std::collections::HashMap;
use std::vec;

use bytes::Bytes;
use futures::TryStreamExt as _;
use hub_types::{Sha256, XetHash};
use hub_xet::{Chunker, FileHasher, Term, XorbBuilder, chunk_hash, is_dedup_candidate};
use sha2::Digest as _;

use super::register::new_file;
use super::{LEASE, LISTS_AT_ONCE, queries, store};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::flags::Flag;
use crate::objects;

/// How many known xorbs a conversion compares with; each has up to 8192 chunks.
const MAX_KNOWN_XORBS: usize = 128;

/// Converts an object, unless it is in chunks already or gone, or the hub leads nobody to chunks. Safe to repeat.
///
/// # Errors
/// 503 when the store or the database does not answer.
pub async fn convert(app: &App, oid: Sha256) -> HubResult<()> {
    if app.allows(Flag::Xet) { put_in_chunks(app, oid).await } else { Ok(()) }
}

/// The same, whatever the hub's switch says: a file of a bucket is found by its chunks.
///
/// # Errors
/// As [`convert`].
pub async fn put_in_chunks(app: &App, oid: Sha256) -> HubResult<()> {
    let Some(object) = objects::find_placement(&app.pool, &oid).await? else { return Ok(()) };
    if object.file_hash.is_some() || object.size == 0 {
        return Ok(());
    }
    let Some(repo_pk) = objects::find_holder(&app.pool, &oid).await? else { return Ok(()) };
    let Some(key) = object.plain_key(&oid) else { return Ok(()) };
    let mut plain = app.store.get_stream(&key, None).await?.stream;
    let mut work = Conversion::new(repo_pk);
    let mut hasher = sha2::Sha256::new();
    while let Some(bytes) = plain.try_next().await? {
        let mut chunker = std::mem::take(&mut work.chunker);
        let cut = move || {
            hasher.update(&bytes);
            let chunks = cut_all(&mut chunker, &bytes);
            (chunker, hasher, chunks)
        };
        let chunks;
        (work.chunker, hasher, chunks) = tokio::task::spawn_blocking(cut).await?;
        work = work.take(app, chunks).await?;
    }
    let last = std::mem::take(&mut work.chunker).finish().map(hashed);
    work = work.take(app, last.into_iter().collect()).await?;
    if Sha256::from_bytes(hasher.finalize().into()) != oid {
        return Err(HubError::internal(format!("the stored object {oid} has other bytes than its name says")));
    }
    work.finish(app, oid, object.size).await
}

/// How many chunks a conversion remembers: some 100 MB.
const MAX_SEEN: usize = 1 << 20;

type Hashed = (XetHash, Bytes);

fn hashed(chunk: Vec<u8>) -> Hashed {
    (chunk_hash(&chunk), Bytes::from(chunk))
}

fn cut_all(chunker: &mut Chunker, mut bytes: &[u8]) -> Vec<Hashed> {
    std::iter::from_fn(|| chunker.next(&mut bytes).map(|chunk| hashed(chunk.into_owned()))).collect()
}

/// Where a run of chunks lies: in a known xorb, or in the one being built, whose hash is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Known(XetHash),
    Building,
}

struct Run {
    place: Place,
    start: u32,
    end: u32,
    raw_len: u32,
}

struct Conversion {
    repo_pk: i64,
    chunker: Chunker,
    file: FileHasher,
    builder: XorbBuilder,
    /// Where chunks are that need not be stored again.
    seen: HashMap<XetHash, (Place, u32)>,
    known_xorbs: usize,
    runs: Vec<Run>,
    index: Vec<(XetHash, Place)>,
    /// How many of the runs and of the index lie in known xorbs.
    settled: (usize, usize),
}

impl Conversion {
    fn new(repo_pk: i64) -> Self {
        Self {
            repo_pk,
            chunker: Chunker::default(),
            file: FileHasher::default(),
            builder: XorbBuilder::default(),
            seen: HashMap::new(),
            known_xorbs: 0,
            runs: Vec::new(),
            index: Vec::new(),
            settled: (0, 0),
        }
    }

    /// Takes the next chunks of the file, storing every xorb that they fill.
    async fn take(mut self, app: &App, chunks: Vec<Hashed>) -> HubResult<Self> {
        self.learn(app, &chunks).await?;
        let mut rest = chunks.into_iter();
        while rest.len() > 0 {
            // Compressing is no work for an async thread.
            (self, rest) = tokio::task::spawn_blocking(move || self.add_while_room(rest)).await??;
            if rest.len() > 0 {
                self.store_xorb(app).await?;
            }
        }
        Ok(self)
    }

    /// Adds chunks until the xorb being built is full; gives back those that are left.
    fn add_while_room(mut self, mut chunks: vec::IntoIter<Hashed>) -> HubResult<(Self, vec::IntoIter<Hashed>)> {
        while let Some((hash, bytes)) = chunks.as_slice().first() {
            let is_new = !self.seen.contains_key(hash);
            if is_new && !self.builder.has_room_for(bytes.len()) {
                break;
            }
            if is_new {
                self.seen.insert(*hash, (Place::Building, self.builder.chunk_count()));
                self.builder.add(bytes).map_err(HubError::internal)?;
            }
            self.note(hash, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            chunks.next();
        }
        Ok((self, chunks))
    }

    /// Makes a chunk that lies somewhere the next one of the file.
    fn note(&mut self, hash: &XetHash, len: u32) {
        let Some((place, at)) = self.seen.get(hash).copied() else { return };
        let is_first = self.runs.is_empty();
        self.file.push(hash, len);
        self.extend_runs(place, at, len);
        if is_first || is_dedup_candidate(hash) {
            self.index.push((*hash, place));
        }
    }

    /// Looks up whether the hub has chunks like these, and if so what lies around them.
    async fn learn(&mut self, app: &App, chunks: &[Hashed]) -> HubResult<()> {
        let is_start = self.runs.is_empty();
        let asked = chunks.iter().enumerate().filter(|(n, (hash, _))| (is_start && *n == 0) || is_dedup_candidate(hash));
        let asked: Vec<XetHash> = asked.map(|(_, (hash, _))| *hash).filter(|hash| !self.seen.contains_key(hash)).collect();
        if asked.is_empty() || self.known_xorbs >= MAX_KNOWN_XORBS {
            return Ok(());
        }
        let mut found = queries::list_xorbs_of_chunks(&app.pool, &asked).await?;
        found.truncate(MAX_KNOWN_XORBS - self.known_xorbs);
        for hashes in found.chunks(LISTS_AT_ONCE) {
            let window = store::load_window(app, hashes).await?;
            for (hash, xorb) in &window.xorbs {
                self.known_xorbs += 1;
                for (at, chunk) in (0_u32..).zip(xorb.info.chunks()) {
                    self.seen.entry(*chunk.hash()).or_insert((Place::Known(*hash), at));
                }
            }
        }
        Ok(())
    }

    fn extend_runs(&mut self, place: Place, at: u32, len: u32) {
        match self.runs.last_mut() {
            Some(run) if run.place == place && run.end == at && run.raw_len.checked_add(len).is_some() => {
                run.end += 1;
                run.raw_len += len;
            }
            _ => self.runs.push(Run { place, start: at, end: at + 1, raw_len: len }),
        }
    }

    /// Stores the xorb being built; from here on its hash is known.
    async fn store_xorb(&mut self, app: &App) -> HubResult<()> {
        let builder = std::mem::take(&mut self.builder);
        if builder.chunk_count() == 0 {
            return Ok(());
        }
        let (body, info) = tokio::task::spawn_blocking(move || builder.finish()).await?.map_err(HubError::internal)?;
        store::put_built(app, self.repo_pk, body.clone(), &info).await?;
        // What an allocator gives back late would come on top of the next one.
        self.builder = XorbBuilder::in_place_of(body);
        let place = Place::Known(*info.hash());
        let runs = self.runs.iter_mut().skip(self.settled.0).map(|run| &mut run.place);
        let index = self.index.iter_mut().skip(self.settled.1).map(|entry| &mut entry.1);
        for old in runs.chain(index).filter(|old| **old == Place::Building) {
            *old = place;
        }
        self.settled = (self.runs.len(), self.index.len());
        for chunk in info.chunks() {
            if let Some(seen) = self.seen.get_mut(chunk.hash()) {
                seen.0 = place;
            }
        }
        if self.seen.len() > MAX_SEEN {
            self.seen.clear();
        }
        Ok(())
    }

    async fn finish(mut self, app: &App, oid: Sha256, size: u64) -> HubResult<()> {
        self.store_xorb(app).await?;
        let xorb_of = |place| match place {
            Place::Known(hash) => Ok(hash),
            Place::Building => Err(HubError::internal("a run of chunks in no xorb")),
        };
        let term = |run: Run| Ok(Term { xorb: xorb_of(run.place)?, start: run.start, end: run.end, raw_len: run.raw_len });
        let terms: Vec<Term> = self.runs.into_iter().map(term).collect::<HubResult<_>>()?;
        let file_hash = self.file.finish().ok_or_else(|| HubError::internal("a file without chunks"))?;
        let file = new_file(file_hash, oid, size, &terms)?;
        let index = self.index.into_iter().map(|(chunk, place)| Ok((chunk, xorb_of(place)?)));
        let (chunks, xorbs): (Vec<_>, Vec<_>) = index.collect::<HubResult<Vec<_>>>()?.into_iter().unzip();
        let mut tx = app.begin().await?;
        if queries::hold_xorbs(&mut tx, &file.xorbs, LEASE).await? < file.xorbs.len() as u64 {
            return Err(HubError::unavailable("Some chunks were just removed; the job comes again.", "xorbs went"));
        }
        if queries::insert_file(&mut tx, &file).await? {
            // Somebody may have sent the same ones before, and gone another way then.
            queries::name_xorbs(&mut *tx, &file.xorbs, &file.xorb_bytes).await?;
        }
        queries::index_chunks(&mut *tx, &chunks, &xorbs).await?;
        tx.commit().await?;
        Ok(())
    }
}
