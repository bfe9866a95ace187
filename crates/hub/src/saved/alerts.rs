//! Looks for what is new in saved searches that have alerts, and leaves it to a job to tell.
//!
//! This runs on every node that answers searches, because only those have an index; a job may run on a node that has none. A node
//! takes some searches at a time ([`queries::alerts::take_due`]). What it found, how far it looked and the job are one transaction: each
//! repository is found once.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::fresh::{self, Found, Reader};
use super::queries;
use super::queries::alerts::{DueRow, FreshRow, Looked};
use crate::accounts::queries::list_users;
use crate::app::App;
use crate::error::HubResult;
use crate::jobs::Job;
use crate::repos::pages::list::ListFilter;

/// How many searches are taken at a time.
const BATCH: i64 = 100;
/// How long a node may take over them, in seconds.
const LEASE_SECS: f64 = 600.0;
/// What was made in the last seconds waits for the next time: a repository is dated by the beginning of its transaction, and one
/// that is not committed yet would be passed by.
const SETTLE: TimeDelta = TimeDelta::seconds(10);
/// How many repositories a mail names.
pub(super) const NAMED: usize = 50;

/// Looks again and again until told to stop.
pub async fn keep_looking(app: App, stop: CancellationToken) {
    let every = Duration::from_secs(app.config.alerts_every_secs);
    while !stop.is_cancelled() {
        if app.search.is_ready()
            && let Err(error) = look(&app, &stop).await
        {
            tracing::warn!(?error, "saved searches could not be looked at");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Looks at all that are due by now.
async fn look(app: &App, stop: &CancellationToken) -> HubResult<()> {
    let started = queries::alerts::now(&app.pool).await?;
    while !stop.is_cancelled() {
        let due = queries::alerts::take_due(&app.pool, started, LEASE_SECS, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        look_at(app, due, started - SETTLE).await?;
    }
    Ok(())
}

async fn look_at(app: &App, due: Vec<DueRow>, until: DateTime<Utc>) -> HubResult<()> {
    let since = due.iter().map(|row| row.looked_until).min().unwrap_or(until);
    let fresh = fresh::list(app, since, until).await?;
    let mut readers = HashMap::new();
    if !fresh.is_empty() {
        fresh::wait_for_index(app).await?;
        readers = readers_of(app, &due).await?;
    }
    let mut nothing = Vec::new();
    for row in due {
        let now = crate::clock::now();
        let next = row.alerts.next(row.due_at, now).unwrap_or(now);
        let looked = Looked { saved_search_pk: row.saved_search_pk, before: row.looked_until, next };
        let found = match readers.get(&row.user_pk) {
            Some(reader) => find(app, &row, reader, &fresh).await?,
            None => Found::default(),
        };
        if found.total == 0 {
            nothing.push(looked);
        } else {
            note(app, &looked, until, &found).await?;
        }
    }
    Ok(queries::alerts::note_nothing(&app.pool, &nothing, until).await?)
}

/// Those of the owners to whom mail may go.
async fn readers_of(app: &App, due: &[DueRow]) -> HubResult<HashMap<i64, Reader>> {
    let keys: Vec<i64> = due.iter().map(|row| row.user_pk).collect();
    let users = list_users(&app.pool, &keys).await?.into_iter().filter(|user| user.email_confirmed);
    Ok(users.map(|user| (user.pk, Reader::new(user))).collect())
}

async fn find(app: &App, row: &DueRow, reader: &Reader, fresh: &[FreshRow]) -> HubResult<Found> {
    let candidates = reader.candidates(fresh, row.repo_type, row.looked_until);
    let filter = ListFilter::read(row.repo_type, &row.query);
    fresh::matching(app, &filter, reader, candidates, NAMED).await
}

async fn note(app: &App, looked: &Looked, until: DateTime<Utc>, found: &Found) -> HubResult<()> {
    let more = found.total.saturating_sub(found.repo_pks.len() as u64);
    let mut tx = app.begin().await?;
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    if queries::alerts::note_found(&mut tx, looked, until, &found.repo_pks, more).await? {
        Job::SendAlert { saved_search_pk: looked.saved_search_pk }.enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}
