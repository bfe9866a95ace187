//! Carries out on the index of this node what happens to repositories, in order.

use std::collections::HashSet;
use std::time::Duration;

use hub_search::{Change, Position, RepoDoc, SearchError, TantivyIndex};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::queries::{self, ChangeRow, REBUILD};
use super::{Search, document};
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

/// Keeps the index up to date until told to stop.
pub async fn follow(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // What is begun is carried through: the index remembers how far it got.
        if let Err(error) = catch_up(&app, &stop).await {
            tracing::warn!(?error, "the search index is behind");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.search.woken() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn catch_up(app: &App, stop: &CancellationToken) -> HubResult<()> {
    while !stop.is_cancelled() {
        let Some(index) = app.search.index.get() else { return Ok(()) };
        number_changes(app).await?;
        let bounds = queries::find_bounds(&app.pool).await?;
        let position = index.position().map_err(HubError::internal)?.map(|position| position.0);
        // A database that was restored may be behind the index, and an index that was away behind what is kept.
        let known = position.filter(|at| *at <= bounds.newest && bounds.oldest.is_none_or(|oldest| *at >= oldest - 1));
        let Some(position) = known else {
            rebuild(app, bounds.newest, stop).await?;
            continue;
        };
        let changes = queries::list_changes(&app.pool, position, BATCH).await?;
        let Some(last) = changes.last() else { return Ok(()) };
        if changes.iter().any(|change| change.repo_pk == REBUILD) {
            rebuild(app, bounds.newest.max(last.position), stop).await?;
            continue;
        }
        apply(app, &changes, Position(last.position)).await?;
        queries::delete_old_changes(&app.pool, KEEP_DAYS).await?;
    }
    Ok(())
}

async fn number_changes(app: &App) -> HubResult<()> {
    while queries::has_waiting(&app.pool).await? {
        let mut tx = app.pool.begin().await?;
        db::lock(&mut tx, LockKey::NumberSearchChanges).await?;
        queries::number_changes(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn apply(app: &App, changes: &[ChangeRow], position: Position) -> HubResult<()> {
    let changed: HashSet<i64> = changes.iter().filter(|change| !change.counters_only).map(|change| change.repo_pk).collect();
    let counted = changes.iter().filter(|change| change.counters_only && !changed.contains(&change.repo_pk));
    let counted: HashSet<i64> = counted.map(|change| change.repo_pk).collect();
    let counted: Vec<i64> = counted.into_iter().collect();
    let counters = queries::list_counters(&app.pool, &counted).await?;
    let counters: Vec<_> = counters.iter().map(document::counters_of).collect();
    let keys: Vec<i64> = changed.iter().copied().collect();
    let docs = queries::list_documents(&app.pool, &keys).await?.into_iter().filter_map(document::of_row);
    let docs: Vec<RepoDoc> = docs.collect();
    let gone: HashSet<i64> = docs.iter().map(|doc| doc.pk).collect();
    let gone = changed.into_iter().filter(|key| !gone.contains(key)).map(Change::Delete);
    let steps: Vec<Change> =
        gone.collect::<Vec<_>>().into_iter().chain(docs.into_iter().map(|doc| Change::Upsert(Box::new(doc)))).collect();
    on_index(&app.search, move |index| {
        index.update_counters(&counters)?;
        index.apply(&steps, position)
    })
    .await
}

async fn on_index(
    search: &Search,
    work: impl FnOnce(&TantivyIndex) -> Result<(), SearchError> + Send + 'static,
) -> HubResult<()> {
    let search = search.clone();
    spawn_blocking(move || search.index.get().map_or(Ok(()), work)).await?.map_err(HubError::internal)
}

/// What the thread that fills an index is told.
enum Fill {
    Docs(Vec<RepoDoc>),
    /// That was all.
    Done,
}

/// Builds an index beside the one in use and puts it in its place. `newest` was the newest position before the first
/// repository was read.
async fn rebuild(app: &App, newest: i64, stop: &CancellationToken) -> HubResult<()> {
    let started = std::time::Instant::now();
    let (sender, receiver) = mpsc::channel(2);
    let filling = tokio::spawn({
        let search = app.search.clone();
        async move { on_index(&search, move |index| fill(index, receiver, Position(newest))).await }
    });
    let sent = send_all(app, &sender, stop).await;
    // Without its last message the fresh index is thrown away.
    drop(sender);
    filling.await??;
    let count = sent?;
    tracing::info!(repositories = count, seconds = started.elapsed().as_secs(), "built the search index");
    Ok(())
}

fn fill(index: &TantivyIndex, mut receiver: mpsc::Receiver<Fill>, position: Position) -> Result<(), SearchError> {
    let fresh = index.rebuild()?;
    while let Some(message) = receiver.blocking_recv() {
        match message {
            Fill::Docs(docs) => fresh.add(&docs)?,
            Fill::Done => return fresh.finish(position),
        }
    }
    Ok(())
}

async fn send_all(app: &App, sender: &mpsc::Sender<Fill>, stop: &CancellationToken) -> HubResult<usize> {
    let stopped = |_| HubError::internal("the search index could not be filled");
    let (mut after, mut count) = (0, 0);
    loop {
        if stop.is_cancelled() {
            return Ok(count);
        }
        let keys = queries::list_keys(&app.pool, after, FILL).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let docs: Vec<RepoDoc> =
            queries::list_documents(&app.pool, &keys).await?.into_iter().filter_map(document::of_row).collect();
        count += docs.len();
        sender.send(Fill::Docs(docs)).await.map_err(stopped)?;
    }
    sender.send(Fill::Done).await.map_err(stopped)?;
    Ok(count)
}
