//! Carries out on the index of this node what happens to repositories, in order.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hub_search::{Change, Position, RepoDoc, SearchIndex};
use tokio_util::sync::CancellationToken;

use super::document;
use super::queries::{self, ChangeRow, REBUILD};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};

/// How many changes are carried out at once; each batch is one commit of the index.
const BATCH: i64 = 1000;
/// How many repositories are read at once to fill an index.
const FILL: i64 = 2000;
/// When to look although nobody said that something changed.
const POLL: Duration = Duration::from_secs(5);
/// How long changes are kept. An index that was away for longer is built anew.
const KEEP_DAYS: i32 = 7;
/// How often old changes are looked for: that reads all that are kept.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Keeps the index up to date until told to stop.
pub async fn follow(app: App, stop: CancellationToken) {
    let mut forgot = Instant::now();
    while !stop.is_cancelled() {
        // What is begun is carried through: the index remembers how far it got.
        if let Err(error) = catch_up(&app, &stop).await {
            tracing::warn!(?error, "the search index is behind");
        }
        if forgot.elapsed() > FORGET_EVERY {
            forgot = Instant::now();
            if let Err(error) = queries::delete_old_changes(&app.pool, KEEP_DAYS).await {
                tracing::warn!(%error, "old changes could not be forgotten");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.search.woken() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn catch_up(app: &App, stop: &CancellationToken) -> HubResult<()> {
    let Some(index) = app.search.index.get() else { return Ok(()) };
    while !stop.is_cancelled() {
        // Several nodes share a Meilisearch, and one at a time may feed it: the lock ends with the connection, whatever happens.
        let mut turn = match index {
            SearchIndex::Tantivy(_) => None,
            SearchIndex::Meilisearch(_) => Some(app.begin().await?),
        };
        if let Some(turn) = &mut turn
            && !db::try_lock(turn, LockKey::FeedSearch).await?
        {
            let filled = index.position().await.map_err(HubError::internal)?.is_some();
            app.search.filled.store(filled, Ordering::Relaxed);
            return Ok(());
        }
        let done = step(app, index, stop).await?;
        drop(turn);
        if done == Step::UpToDate {
            return Ok(());
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Step {
    More,
    UpToDate,
}

async fn step(app: &App, index: &SearchIndex, stop: &CancellationToken) -> HubResult<Step> {
    number_changes(app).await?;
    let bounds = queries::find_bounds(&app.pool).await?;
    let position = index.position().await.map_err(HubError::internal)?.map(|position| position.0);
    app.search.filled.store(position.is_some(), Ordering::Relaxed);
    // A database that was restored may be behind the index, and an index that was away behind what is kept.
    let known = position.filter(|at| *at <= bounds.newest && bounds.oldest.is_none_or(|oldest| *at >= oldest - 1));
    let Some(position) = known else {
        rebuild(app, index, bounds.newest, stop).await?;
        return Ok(Step::More);
    };
    let changes = queries::list_changes(&app.pool, position, BATCH).await?;
    let Some(last) = changes.last() else { return Ok(Step::UpToDate) };
    if changes.iter().any(|change| change.repo_pk == REBUILD) {
        rebuild(app, index, bounds.newest.max(last.position), stop).await?;
        return Ok(Step::More);
    }
    apply(app, index, &changes, Position(last.position)).await?;
    Ok(Step::More)
}

async fn number_changes(app: &App) -> HubResult<()> {
    while queries::has_waiting(&app.pool).await? {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::NumberSearchChanges).await?;
        queries::number_changes(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn apply(app: &App, index: &SearchIndex, changes: &[ChangeRow], position: Position) -> HubResult<()> {
    let keys = |counters_only: bool| -> HashSet<i64> {
        changes.iter().filter(|change| change.counters_only == counters_only).map(|change| change.repo_pk).collect()
    };
    let changed = keys(false);
    let counted: Vec<i64> = keys(true).difference(&changed).copied().collect();
    let counters = queries::list_counters(&app.pool, &counted).await?;
    let counters = counters.iter().map(document::counters_of).collect();
    index.update_counters(counters).await.map_err(HubError::internal)?;
    let docs = read_documents(app, &changed.iter().copied().collect::<Vec<_>>()).await?;
    let there: HashSet<i64> = docs.iter().map(|doc| doc.pk).collect();
    let gone = changed.difference(&there).map(|key| Change::Delete(*key));
    let steps = gone.chain(docs.into_iter().map(|doc| Change::Upsert(Box::new(doc)))).collect();
    index.apply(steps, position).await.map_err(HubError::internal)
}

async fn read_documents(app: &App, keys: &[i64]) -> HubResult<Vec<RepoDoc>> {
    let rows = queries::list_documents(&app.pool, keys).await?;
    Ok(rows.into_iter().filter_map(document::of_row).collect())
}

/// Builds an index beside the one in use and puts it in its place. `newest` was the newest position before the first
/// repository was read.
async fn rebuild(app: &App, index: &SearchIndex, newest: i64, stop: &CancellationToken) -> HubResult<()> {
    let started = Instant::now();
    let fresh = index.rebuild().await.map_err(HubError::internal)?;
    let (mut after, mut count) = (0, 0);
    loop {
        if stop.is_cancelled() {
            return Ok(());
        }
        let keys = queries::list_keys(&app.pool, after, FILL).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let docs = read_documents(app, &keys).await?;
        count += docs.len();
        fresh.add(docs).await.map_err(HubError::internal)?;
    }
    fresh.finish(Position(newest)).await.map_err(HubError::internal)?;
    tracing::info!(repositories = count, seconds = started.elapsed().as_secs(), "built the search index");
    Ok(())
}
