//! A client's shard becomes files. Everything in it is checked before anything of it can be seen: that its xorbs are
//! here, that its sender knows the chunks it refers to, that the terms make the file, and, by reading the file back,
//! that the file has the SHA-256 it is announced with. So a row in `xet_files` is never a claim.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_types::{Sha256, XetHash};
use hub_xet::{FileEntry, Shard, Term, is_dedup_candidate};

use super::queries::{self, NewFile};
use super::{LEASE, XetFile, Xorb, read, store};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;
use crate::quotas;

/// How many files are read back at once.
const DIGEST_AT_ONCE: usize = 4;

/// Checks a shard and lets a repository have its files. Safe to repeat.
///
/// # Errors
/// 400 for a shard that does not hold, 413 when the owner has no room for its files, with nothing kept of it; 503 when the store or the database does not answer.
pub async fn register(app: &App, repo_pk: i64, shard: Shard) -> HubResult<()> {
    let wanted: BTreeSet<XetHash> = shard.files.iter().flat_map(|file| file.terms.iter().map(|term| term.xorb)).collect();
    let wanted: Vec<XetHash> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return Ok(());
    }
    // Reading back takes time; nothing may be collected meanwhile.
    let held = queries::hold_xorbs(&mut *app.pool.acquire().await?, &wanted, LEASE).await?;
    let xorbs = store::load(app, &wanted).await?;
    if held < wanted.len() as u64 || xorbs.len() < wanted.len() {
        return Err(missing_xorb(&wanted, &xorbs));
    }
    let (shard, xorbs) = verify(shard, xorbs).await?;
    let files = stream::iter(shard.files.clone()).map(|file| checked_file(app.clone(), file)).buffered(DIGEST_AT_ONCE);
    let mut files: Vec<NewFile> = files.try_collect().await?;
    // In one order, so that two shards with the same files in other xorbs do not wait for each other.
    files.sort_unstable_by_key(|file| file.oid);
    let more = count_new(app, repo_pk, &files).await?;
    quotas::require_room(app, repo_pk, more).await?;
    let index = index_of(&shard, &xorbs);
    let mut tx = app.begin().await?;
    if queries::hold_xorbs(&mut tx, &wanted, LEASE).await? < wanted.len() as u64 {
        return Err(HubError::unavailable("Some of these chunks were just removed. Send the shard again.", "xorbs went"));
    }
    for file in &files {
        queries::insert_file(&mut tx, file).await?;
    }
    let oids: Vec<Sha256> = files.iter().map(|file| file.oid).collect();
    objects::link(&mut tx, repo_pk, &oids).await?;
    queries::index_chunks(&mut *tx, &index.0, &index.1).await?;
    quotas::check_added(app, &mut tx, repo_pk, more).await?;
    tx.commit().await?;
    Ok(())
}

/// How many bytes come to a repository. What it has already is no more than it was.
async fn count_new(app: &App, repo_pk: i64, files: &[NewFile]) -> HubResult<u64> {
    let sizes: HashMap<Sha256, i64> = files.iter().map(|file| (file.oid, file.size_bytes)).collect();
    let oids: Vec<Sha256> = sizes.keys().copied().collect();
    let held = objects::list_held(&app.pool, repo_pk, &oids).await?;
    let new = sizes.iter().filter(|(oid, _)| !held.contains_key(*oid));
    Ok(new.fold(0_u64, |sum, (_, size)| sum.saturating_add(size.unsigned_abs())))
}

fn missing_xorb(wanted: &[XetHash], found: &HashMap<XetHash, Arc<Xorb>>) -> HubError {
    match wanted.iter().find(|hash| !found.contains_key(hash)) {
        Some(hash) => HubError::bad_request(format!("The shard refers to the xorb {hash}, which is not here. Upload it first.")),
        None => HubError::unavailable("Some of these chunks were just removed. Send the shard again.", "xorbs went"),
    }
}

type Loaded = HashMap<XetHash, Arc<Xorb>>;

/// Proofs and file hashes are computed over the hub's own record of each xorb.
async fn verify(shard: Shard, xorbs: Loaded) -> HubResult<(Shard, Loaded)> {
    let check = move || {
        for file in &shard.files {
            let checked = file.verify(|hash| xorbs.get(hash).map(|xorb| Arc::clone(&xorb.info)));
            checked.map_err(|error| HubError::bad_request(format!("The shard was refused: {error}. Nothing was stored.")))?;
        }
        HubResult::Ok((shard, xorbs))
    };
    tokio::task::spawn_blocking(check).await?
}

/// A file with the SHA-256 that its bytes have. Read back only if the hub has never seen it.
async fn checked_file(app: App, file: FileEntry) -> HubResult<NewFile> {
    let size = file.raw_len();
    let oid = match queries::find_file(&app.pool, &file.hash).await? {
        Some(known) => known.oid,
        None => read::digest(&app, Arc::new(XetFile { size, terms: file.terms.clone() })).await?,
    };
    if let Some(claimed) = file.sha256.filter(|claimed| *claimed != oid) {
        return Err(HubError::bad_request(format!(
            "The shard was refused: it says that the file {} has the SHA-256 {claimed}, but its bytes have {oid}. Nothing was \
             stored; upload the file again.",
            file.hash
        )));
    }
    new_file(file.hash, oid, size, &file.terms)
}

/// A row for a file whose terms and SHA-256 hold.
///
/// # Errors
/// 422 for a file larger than can be counted.
pub(super) fn new_file(file_hash: XetHash, oid: Sha256, size: u64, terms: &[Term]) -> HubResult<NewFile> {
    let too_large = |_| HubError::unprocessable("The file is larger than the hub can count.");
    let xorbs: BTreeSet<XetHash> = terms.iter().map(|term| term.xorb).collect();
    Ok(NewFile {
        file_hash,
        oid,
        size_bytes: i64::try_from(size).map_err(too_large)?,
        term_count: i32::try_from(terms.len()).map_err(too_large)?,
        terms: Term::list_to_bytes(terms),
        xorbs: xorbs.into_iter().collect(),
    })
}

/// The chunks by which later uploads find these xorbs, each with its xorb: the first of each file, those that clients ask for by their
/// hash, and those the client marked.
fn index_of(shard: &Shard, xorbs: &Loaded) -> (Vec<XetHash>, Vec<XetHash>) {
    let mut index = BTreeSet::new();
    for file in &shard.files {
        let Some(first) = file.terms.first() else { continue };
        let chunk = xorbs.get(&first.xorb).and_then(|xorb| xorb.info.chunks().get(first.start as usize));
        index.extend(chunk.map(|chunk| (*chunk.hash(), first.xorb)));
    }
    for (hash, xorb) in xorbs {
        let chunks = xorb.info.chunks().iter().filter(|chunk| is_dedup_candidate(chunk.hash()));
        index.extend(chunks.map(|chunk| (*chunk.hash(), *hash)));
    }
    for section in &shard.xorbs {
        let Some(xorb) = xorbs.get(&section.hash) else { continue };
        let marked = section.flagged.iter().filter_map(|chunk| xorb.info.chunks().get(*chunk as usize));
        index.extend(marked.map(|chunk| (*chunk.hash(), section.hash)));
    }
    index.into_iter().unzip()
}
