//! Keeps the packs of a repository few: in the background, every so many commits, small ones are joined.
//!
//! The packs that were joined stay in the store as long as forks share them, and for a while longer, for other nodes that are
//! about to read them: [`crate::gc`] removes them.

use std::time::Duration;

use hub_git::{JoinError, packs_to_join};
use hub_types::Oid;
use sqlx::PgConnection;

use super::git_cache::{GitCache, NewPack};
use super::queries::{self, packs};
use super::refs::StoredPack;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::jobs::Job;

/// How many packs come before it is looked whether some should be joined.
const EVERY: i64 = 16;
/// Packs are joined only into one of at most this size.
const MAX_JOINED_BYTES: u64 = 4 << 30;
/// How long git may take: other long jobs of the node wait meanwhile.
const TIMEOUT: Duration = Duration::from_secs(480);

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repacked {
    /// How many packs there were.
    pub before: usize,
    /// How many there are now.
    pub after: usize,
}

/// Asks for joining when it is time again, in the transaction that brings a pack.
///
/// # Errors
/// The database does not answer.
pub(super) async fn note_packs(conn: &mut PgConnection, repo_pk: i64, generation: i64) -> sqlx::Result<()> {
    if generation % EVERY == 0 {
        Job::Repack { repo_pk }.enqueue(conn).await?;
    }
    Ok(())
}

/// Joins packs of a repository if they are too many, in the given cache. Readers and writers go on meanwhile.
///
/// # Errors
/// Git fails, or the database or the store does not answer. The repository is as before then.
pub async fn repack(app: &App, cache: &GitCache, repo_pk: i64) -> HubResult<Repacked> {
    let Some(repo) = queries::find_repo_by_pk(&app.pool, repo_pk).await? else { return Ok(Repacked { before: 0, after: 0 }) };
    let all = packs::list_sizes(&app.pool, repo_pk).await?;
    let before = all.len();
    let old: Vec<Oid> = packs_to_join(all, MAX_JOINED_BYTES).into_iter().map(|pack| pack.hash).collect();
    if old.is_empty() {
        return Ok(Repacked { before, after: before });
    }
    let dir = cache.open(&app.pool, &repo).await?;
    let scratch = tempfile::Builder::new().prefix("repack-").tempdir_in(cache.temp_dir())?;
    let joined = hub_git::join_packs(dir.path(), &old, scratch.path(), TIMEOUT).await.map_err(failed)?;
    let files = NewPack::Files { pack: &joined.pack, idx: &joined.idx };
    let new = cache.store_pack(joined.hash, files, joined.objects).await?;
    let after = if exchange(app, repo_pk, &old, new).await? { before + 1 - old.len() } else { before };
    Ok(Repacked { before, after })
}

/// Puts the new pack in the place of the old ones, unless somebody else has taken one of those away meanwhile.
async fn exchange(app: &App, repo_pk: i64, old: &[Oid], new: StoredPack) -> HubResult<bool> {
    let mut tx = app.begin().await?;
    if packs::lock(&mut tx, repo_pk, old).await?.len() < old.len() {
        return Ok(false);
    }
    // One of them may have had all that the others have.
    let gone: Vec<Oid> = old.iter().copied().filter(|hash| *hash != new.hash).collect();
    packs::add(&mut tx, repo_pk, &[new]).await?;
    packs::next_generation(&mut tx, repo_pk).await?;
    packs::remove(&mut tx, repo_pk, &gone).await?;
    tx.commit().await?;
    Ok(true)
}

fn failed(error: JoinError) -> HubError {
    match error {
        JoinError::Process(error) => error.into(),
        JoinError::Io(error) => error.into(),
        other => HubError::internal(other),
    }
}
