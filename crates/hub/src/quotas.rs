//! What owners hold, and may hold. Triggers note what repositories gain and lose (`migrations/*_measure_storage.up.sql`); [`measure`] adds it up, for
//! lists of the largest and for the growth by day. [`require_room`] and its neighbours are what takes bytes in asks. Knows repositories by key only.

pub mod queries;

use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};

/// How many repositories are measured from the ground up at once.
const REPOS_AT_ONCE: i64 = 500;
/// How many changes are added up at once.
const CHANGES_AT_ONCE: i64 = 20_000;

/// What a change of git may bring even when there is no room, in bytes.
const ALWAYS_IN_GIT: u64 = 64 * 1024;

/// Adds up what changed and what there is: the body of [`crate::jobs::Job::MeasureStorage`].
///
/// # Errors
/// The database does not answer.
pub async fn measure(app: &App) -> HubResult<()> {
    let mut after = Some(0);
    while let Some(pk) = after {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::MeasureStorage).await?;
        after = queries::measure_new(&mut tx, pk, REPOS_AT_ONCE).await?;
        tx.commit().await?;
    }
    loop {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::MeasureStorage).await?;
        let folded = queries::fold(&mut tx, CHANGES_AT_ONCE).await?;
        tx.commit().await?;
        if folded < CHANGES_AT_ONCE {
            break;
        }
    }
    let mut tx = app.begin().await?;
    db::lock(&mut tx, LockKey::MeasureStorage).await?;
    queries::sum_owners(&mut tx).await?;
    queries::note_day(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// What an owner holds and may hold, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Whose it is.
    pub owner: String,
    /// What all repositories hold, of all their histories: large files, git packs, and files in discussions.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

impl Room {
    /// Refuses what there is no room for; nothing needs none.
    ///
    /// # Errors
    /// 413 with what is held, what would be held, and what to do.
    pub fn require(&self, more: u64) -> HubResult<()> {
        match more > 0 && self.used.saturating_add(more) > self.limit {
            true => Err(HubError::quota_reached(&self.owner, self.used, more, self.limit)),
            false => Ok(()),
        }
    }
}

/// The limit out of what is stored of an owner, and what is set for all.
fn limit_of(app: &App, own: Option<Option<i64>>) -> Option<u64> {
    match own {
        Some(limit) => limit.map(i64::unsigned_abs),
        None => app.config.owner_storage_limit_bytes,
    }
}

/// The room of a repository's owner; nothing when that has no limit.
///
/// # Errors
/// The database does not answer.
pub async fn room_of(app: &App, repo_pk: i64) -> HubResult<Option<Room>> {
    let Some(row) = queries::find_limit_of_repo(&app.pool, repo_pk).await? else { return Ok(None) };
    let Some(limit) = limit_of(app, row.own()) else { return Ok(None) };
    let used = queries::sum_owner(&app.pool, row.namespace_pk).await?.unsigned_abs();
    Ok(Some(Room { owner: row.name, used, limit }))
}

/// Refuses what a repository's owner has no room for, before it is taken in. Every way by which bytes come in asks this, and
/// [`check_added`] in the transaction in which they begin to count.
///
/// # Errors
/// 413 for too much.
pub async fn require_room(app: &App, repo_pk: i64, more: u64) -> HubResult<()> {
    match room_of(app, repo_pk).await? {
        Some(room) => room.require(more),
        None => Ok(()),
    }
}

/// The same for the packs of a push or a commit. Small ones are let in even when there is no room, so that files can be deleted.
///
/// # Errors
/// 413 for too much.
pub async fn require_room_in_git(app: &App, repo_pk: i64, more: u64) -> HubResult<()> {
    if more <= ALWAYS_IN_GIT { Ok(()) } else { require_room(app, repo_pk, more).await }
}

/// Refuses at the start of an upload what will find no room at its end: files by their sizes, as far as the repository has no file of
/// the same size already.
///
/// # Errors
/// 413 for too much, and for anything when there is no room at all.
pub async fn require_room_for_new(app: &App, repo_pk: i64, sizes: &[u64]) -> HubResult<()> {
    let Some(room) = room_of(app, repo_pk).await?.filter(|_| !sizes.is_empty()) else { return Ok(()) };
    let sum = |sizes: &mut dyn Iterator<Item = &u64>| sizes.fold(0_u64, |sum, size| sum.saturating_add(*size));
    if room.require(sum(&mut sizes.iter()).max(1)).is_ok() {
        return Ok(());
    }
    let held = queries::list_held_sizes(&app.pool, repo_pk, &stored_sizes(sizes)).await?;
    let held: std::collections::HashSet<u64> = held.into_iter().map(i64::unsigned_abs).collect();
    match sum(&mut sizes.iter().filter(|size| !held.contains(*size))) {
        0 => Ok(()),
        more => room.require(more),
    }
}

fn stored_sizes(sizes: &[u64]) -> Vec<i64> {
    sizes.iter().filter_map(|size| i64::try_from(*size).ok()).collect()
}

/// Refuses an owner who came to have a repository in the transaction at hand (a copy, or one that was moved there) more than they may
/// hold. Asked after it came.
///
/// # Errors
/// 413 for too much: the caller must roll back.
pub async fn check_arrival(app: &App, conn: &mut sqlx::PgConnection, repo_pk: i64) -> HubResult<()> {
    let Some(row) = queries::find_limit_of_repo(&mut *conn, repo_pk).await? else { return Ok(()) };
    let Some(limit) = limit_of(app, row.own()) else { return Ok(()) };
    let more = queries::sum_repo(&mut *conn, repo_pk).await?.unsigned_abs();
    queries::lock_owner(conn, row.namespace_pk).await?;
    let used = queries::sum_owner(&mut *conn, row.namespace_pk).await?.unsigned_abs().saturating_sub(more);
    Room { owner: row.name, used, limit }.require(more)
}

/// Refuses what came to a repository in the transaction at hand, if its owner has no room for it. Those who add something for the same
/// owner wait here for each other, so that no two of them pass together; the transaction should end soon after.
///
/// # Errors
/// 413 for too much: the caller must roll back.
pub async fn check_added(app: &App, conn: &mut sqlx::PgConnection, repo_pk: i64, more: u64) -> HubResult<()> {
    let Some(row) = queries::find_limit_of_repo(&mut *conn, repo_pk).await?.filter(|_| more > 0) else { return Ok(()) };
    let Some(limit) = limit_of(app, row.own()) else { return Ok(()) };
    queries::lock_owner(conn, row.namespace_pk).await?;
    let used = queries::sum_owner(&mut *conn, row.namespace_pk).await?.unsigned_abs().saturating_sub(more);
    Room { owner: row.name, used, limit }.require(more)
}

/// The same for the packs of a push or a commit, of which small ones are let in.
///
/// # Errors
/// 413 for too much: the caller must roll back.
pub async fn check_added_in_git(app: &App, conn: &mut sqlx::PgConnection, repo_pk: i64, more: u64) -> HubResult<()> {
    if more <= ALWAYS_IN_GIT { Ok(()) } else { check_added(app, conn, repo_pk, more).await }
}

/// The limits of owners, as far as they have one.
///
/// # Errors
/// The database does not answer.
pub async fn list_limits(app: &App, namespaces: &[i64]) -> HubResult<std::collections::HashMap<i64, u64>> {
    let rows = queries::list_limits(&app.pool, namespaces).await?;
    let limits = rows.into_iter().filter_map(|row| Some((row.namespace_pk, limit_of(app, row.own())?)));
    Ok(limits.collect())
}
