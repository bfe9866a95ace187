//! A client's shard becomes files. Everything in it is checked before anything of it can be seen: that its xorbs are
//! here, that its sender knows the chunks it refers to, that the terms make the file, and, by reading the file back,
//! that the file has the SHA-256 it is announced with. So a row in `xet_files` is never a claim.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hub_types::{Sha256, XetHash};
use hub_xet::{FileEntry, Shard, Term};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use super::queries::{self, NewFile};
use super::verification::verify;
use super::{DIGEST_AT_ONCE, LEASE, XetFile, read, store};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects;
use crate::quotas;

/// How many xorbs the store is asked for at once.
const ASK_AT_ONCE: usize = 16;

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
    // Before anything is read for it: a small shard can name a file of any size. Here the sizes are what it says, and they must hold.
    let sizes: Vec<u64> = shard.files.iter().map(FileEntry::raw_len).collect();
    quotas::require_room_for_new(app, repo_pk, &sizes).await?;
    // Reading back takes time; nothing may be collected meanwhile.
    let held = queries::hold_xorbs(&mut *app.pool.acquire().await?, &wanted, LEASE).await?;
    if held < wanted.len() as u64 {
        return Err(missing_xorb(app, &wanted).await?);
    }
    let checked = verify(app, shard).await?;
    let files = stream::iter(checked.files).map(|file| checked_file(app.clone(), repo_pk, file)).buffered(DIGEST_AT_ONCE);
    let mut files: Vec<NewFile> = files.try_collect().await?;
    // In one order, so that two shards with the same files in other xorbs do not wait for each other.
    files.sort_unstable_by_key(|file| file.oid);
    let mut tx = app.begin().await?;
    if queries::hold_xorbs(&mut tx, &wanted, LEASE).await? < wanted.len() as u64 {
        return Err(HubError::unavailable("Some of these chunks were just removed. Send the shard again.", "xorbs went"));
    }
    let mut lie_here = Vec::with_capacity(files.len());
    for file in &files {
        lie_here.push(queries::insert_file(&mut tx, file).await?);
    }
    // Asked now that the rows of these files are held, so that of two who bring the same one only the first brings something new.
    let new = list_new(&mut tx, repo_pk, &files).await?;
    let more = new.values().fold(0_u64, |sum, size| sum.saturating_add(size.unsigned_abs()));
    let (named, bytes) = named_by(&files, &lie_here, new);
    queries::name_xorbs(&mut *tx, &named, &bytes).await?;
    let oids: Vec<Sha256> = files.iter().map(|file| file.oid).collect();
    objects::link(&mut tx, repo_pk, &oids).await?;
    queries::index_chunks(&mut *tx, &checked.chunks, &checked.xorbs).await?;
    quotas::check_added(app, &mut tx, repo_pk, more).await?;
    tx.commit().await?;
    for file in files.iter().filter(|file| file.replaces) {
        app.xet.files.invalidate(&file.file_hash).await;
        tracing::warn!(file = %file.file_hash, "chunks of a file were missing; it consists of others now that were sent again");
    }
    Ok(())
}

/// The files that come to a repository, with their sizes. What it has already is no more than it was.
async fn list_new(conn: &mut PgConnection, repo_pk: i64, files: &[NewFile]) -> HubResult<HashMap<Sha256, i64>> {
    let mut sizes: HashMap<Sha256, i64> = files.iter().map(|file| (file.oid, file.size_bytes)).collect();
    let oids: Vec<Sha256> = sizes.keys().copied().collect();
    let held = objects::list_held(conn, repo_pk, &oids).await?;
    sizes.retain(|oid, _| !held.contains_key(oid));
    Ok(sizes)
}

/// How many bytes of which xorbs are named by files that are `new` to the repository or that lie in them from now on. Others do not count
/// again: who has a file could have it name the same chunks in ever other xorbs.
fn named_by(files: &[NewFile], lie_here: &[bool], mut new: HashMap<Sha256, i64>) -> (Vec<XetHash>, Vec<i64>) {
    let mut named: BTreeMap<XetHash, i64> = BTreeMap::new();
    for (file, lies_here) in files.iter().zip(lie_here) {
        let is_new = new.remove(&file.oid).is_some();
        if is_new || *lies_here {
            for (xorb, bytes) in file.xorbs.iter().zip(&file.xorb_bytes) {
                let sum = named.entry(*xorb).or_default();
                *sum = sum.saturating_add(*bytes);
            }
        }
    }
    named.into_iter().unzip()
}

/// Says which xorb is not here.
async fn missing_xorb(app: &App, wanted: &[XetHash]) -> HubResult<HubError> {
    let found = queries::list_xorbs(&app.pool, wanted).await?;
    let found: HashSet<XetHash> = found.into_iter().map(|row| row.xorb_hash).collect();
    Ok(match wanted.iter().find(|hash| !found.contains(*hash)) {
        Some(hash) => HubError::bad_request(format!("The shard refers to the xorb {hash}, which is not here. Upload it first.")),
        None => HubError::unavailable("Some of these chunks were just removed. Send the shard again.", "xorbs went"),
    })
}

/// A file with the SHA-256 that its bytes have. Read back only if the hub has never seen it. One that is known and lies in xorbs that were
/// lost is to lie in those that came now.
async fn checked_file(app: App, repo_pk: i64, file: FileEntry) -> HubResult<NewFile> {
    let size = file.raw_len();
    let known = queries::find_file(&app.pool, &file.hash).await?;
    let oid = match &known {
        Some(known) => known.oid,
        None => digest(&app, repo_pk, &file).await?,
    };
    if let Some(claimed) = file.sha256.filter(|claimed| *claimed != oid) {
        return Err(HubError::bad_request(format!(
            "The shard was refused: it says that the file {} has the SHA-256 {claimed}, but its bytes have {oid}. Nothing was \
             stored; upload the file again.",
            file.hash
        )));
    }
    let mut new = new_file(file.hash, oid, size, &file.terms)?;
    if let Some(known) = known.filter(|known| known.terms != new.terms) {
        let terms = Term::list_from_bytes(&known.terms).map_err(HubError::internal)?;
        let before = new_file(file.hash, oid, size, &terms)?.xorbs;
        new.replaces = !are_whole(&app, &before).await? && are_whole(&app, &new.xorbs).await?;
    }
    Ok(new)
}

/// Whether the store has all of these xorbs: asked where a file that is known comes once more and lies in others.
async fn are_whole(app: &App, xorbs: &[XetHash]) -> HubResult<bool> {
    let rows = queries::list_xorbs(&app.pool, xorbs).await?;
    let are_all = rows.len() == xorbs.len();
    let asked = stream::iter(rows).map(|row| {
        let app = app.clone();
        async move { store::is_whole(&app, &row).await }
    });
    let whole: Vec<bool> = asked.buffer_unordered(ASK_AT_ONCE).try_collect().await?;
    Ok(are_all && !whole.contains(&false))
}

/// Reads a file back, unless that was done a while ago or is being done: a client that lost patience and sends its shard again waits
/// for the reading that is under way. The hash of a file says what its bytes are, so their SHA-256 is the same for whoever asks.
async fn digest(app: &App, repo_pk: i64, file: &FileEntry) -> HubResult<Sha256> {
    let reading = async {
        let turns = app.xet.digesting_for.get_with(repo_pk, async { Arc::new(Semaphore::new(DIGEST_AT_ONCE)) }).await;
        let _turn = turns.acquire().await.map_err(HubError::internal)?;
        let _turn_of_all = app.xet.digesting.acquire().await.map_err(HubError::internal)?;
        let found = read::digest(app, Arc::new(XetFile { size: file.raw_len(), terms: file.terms.clone() })).await;
        found.inspect_err(|error| tracing::warn!(file = %file.hash, ?error, "a new file could not be read back"))
    };
    // Those who waited get what went wrong in words only.
    app.xet.digests.try_get_with(file.hash, Box::pin(reading)).await.map_err(|error| HubError::again(&error))
}

/// A row for a file whose terms and SHA-256 hold.
///
/// # Errors
/// 422 for a file larger than can be counted.
pub(super) fn new_file(file_hash: XetHash, oid: Sha256, size: u64, terms: &[Term]) -> HubResult<NewFile> {
    let too_large = |_| HubError::unprocessable("The file is larger than the hub can count.");
    let mut named: BTreeMap<XetHash, i64> = BTreeMap::new();
    for term in terms {
        let bytes = named.entry(term.xorb).or_default();
        *bytes = bytes.saturating_add(i64::from(term.raw_len));
    }
    let (xorbs, xorb_bytes) = named.into_iter().unzip();
    Ok(NewFile {
        file_hash,
        oid,
        size_bytes: i64::try_from(size).map_err(too_large)?,
        term_count: i32::try_from(terms.len()).map_err(too_large)?,
        terms: Term::list_to_bytes(terms),
        xorbs,
        xorb_bytes,
        replaces: false,
    })
}
