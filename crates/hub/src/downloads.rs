//! Counting downloads: transfers of weights and data, each client once a day for each commit. docs/downloads.md has the rule.
//!
//! Requests only note in memory what was sent to whom; every [`FLUSH_EVERY`] a node writes it down in one transaction, so that a
//! node that is killed loses that much and no more. Addresses never reach the database: what does is a hash with a key that
//! is made for the day and deleted after it.
//!
//! - [`client`]: who asks, and whether a request is a download.
//! - [`chart`]: the last thirty days as a picture and a table.

pub mod chart;
pub mod client;
pub mod queries;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, NaiveDate, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hub_types::Oid;
use rand::RngExt as _;
use sha2::Sha256;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::client::Client;
use crate::app::App;
use crate::db::{self, LockKey};
use crate::error::{HubError, HubResult};

/// How often what was counted is written down.
pub const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How many transfers wait before they are written down sooner.
const MANY: usize = 20_000;
/// How many wait at most, while the database does not answer: about 20 MB. What comes after is not counted.
const MOST: usize = 200_000;

/// What this node has counted and not written down yet. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Downloads {
    pending: Arc<Mutex<Pending>>,
    full: Arc<Notify>,
    /// Held while it is written down, so that who asks for that meanwhile waits until it is.
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Pending {
    /// In which hour a client first came for a commit, by day.
    transfers: HashMap<Transfer, DateTime<Utc>>,
    /// How often it was asked, by repository and hour.
    requests: HashMap<(i64, DateTime<Utc>), i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Transfer {
    day: NaiveDate,
    repo_pk: i64,
    commit: Option<Oid>,
    client: Client,
}

impl Downloads {
    /// Notes that a client was sent files of a commit.
    pub fn note(&self, repo_pk: i64, commit: Option<Oid>, client: Client) {
        let now = crate::clock::now();
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let transfer = Transfer { day: now.date_naive(), repo_pk, commit, client };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.transfers.len() >= MOST {
            return;
        }
        *pending.requests.entry((repo_pk, hour)).or_default() += 1;
        if let Entry::Vacant(first) = pending.transfers.entry(transfer) {
            first.insert(hour);
        }
        if pending.transfers.len() >= MANY {
            self.full.notify_one();
        }
    }

    fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written down.
    fn put_back(&self, taken: Pending) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (transfer, hour) in taken.transfers {
            let first = pending.transfers.entry(transfer).or_insert(hour);
            *first = hour.min(*first);
        }
        for (place, count) in taken.requests {
            *pending.requests.entry(place).or_default() += count;
        }
    }
}

/// Writes down what is counted, now and then, until told to stop.
pub async fn keep_flushing(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.downloads.full.notified() => {}
            () = tokio::time::sleep(FLUSH_EVERY) => {}
        }
        if let Err(error) = flush(&app).await {
            tracing::warn!(?error, "downloads could not be written down; they are kept for the next time");
        }
    }
}

/// Writes down what this node has counted; all that was counted before is in the database then.
///
/// # Errors
/// The database does not answer; nothing is lost then.
pub async fn flush(app: &App) -> HubResult<()> {
    let _turn = app.downloads.writing.lock().await;
    let taken = app.downloads.take();
    if taken.requests.is_empty() {
        return Ok(());
    }
    let written = write(app, &taken).await;
    if written.is_err() {
        app.downloads.put_back(taken);
    }
    written
}

async fn write(app: &App, pending: &Pending) -> HubResult<()> {
    let mut tx = app.begin().await?;
    // One node at a time: they would meet at the same rows, in another order.
    db::lock(&mut tx, LockKey::Counters).await?;
    let mut keys = HashMap::new();
    for transfer in pending.transfers.keys() {
        if let Entry::Vacant(place) = keys.entry(transfer.day) {
            let fresh: [u8; 32] = rand::rng().random();
            place.insert(queries::key_of_day(&mut tx, transfer.day, &fresh).await?);
        }
    }
    let mut seen = queries::SeenColumns::default();
    for (transfer, hour) in &pending.transfers {
        let key = keys.get(&transfer.day).map_or(&[][..], Vec::as_slice);
        seen.push(transfer.day, transfer.repo_pk, hash(key, transfer)?, *hour);
    }
    let mut counts: HashMap<(i64, DateTime<Utc>), (i64, i64)> = HashMap::new();
    for row in queries::insert_clients(&mut tx, &seen).await? {
        counts.entry((row.repo_pk, row.hour)).or_default().0 += row.downloads;
    }
    for (place, requests) in &pending.requests {
        counts.entry(*place).or_default().1 += requests;
    }
    queries::add_to_hours(&mut tx, &counts).await?;
    tx.commit().await?;
    Ok(())
}

/// What stands for a client and a commit on one day.
fn hash(key: &[u8], transfer: &Transfer) -> HubResult<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(HubError::internal)?;
    mac.update(&transfer.client.bytes());
    mac.update(transfer.commit.as_ref().map_or(&[][..], |commit| commit.as_bytes()));
    let full = mac.finalize().into_bytes();
    Ok(full.iter().take(16).copied().collect())
}

/// Forgets clients of past days, and hours that no number is made of any more.
///
/// # Errors
/// The database does not answer.
pub async fn forget_old(app: &App) -> HubResult<()> {
    Ok(queries::delete_old(&app.pool).await?)
}
