//! When tokens were last used, and from where: noted in memory and written down now and then, so that no request waits for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::queries::tokens::{UseColumns, update_uses};
use crate::app::App;

/// How often it is written down.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// Of how many tokens it is noted at most, while the database does not answer.
const MOST: usize = 100_000;

/// What is not written down yet, by token. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LastUses {
    noted: Arc<Mutex<HashMap<i64, Use>>>,
}

#[derive(Debug, Clone, Copy)]
struct Use {
    at: DateTime<Utc>,
    from: Option<IpAddr>,
}

impl LastUses {
    /// Notes that a token is in use.
    pub fn note(&self, token_pk: i64, from: Option<IpAddr>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST || noted.contains_key(&token_pk) {
            noted.insert(token_pk, Use { at: crate::clock::now(), from });
        }
    }

    fn columns(&self) -> UseColumns {
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let mut columns = UseColumns::default();
        for (token_pk, used) in noted {
            columns.token_pks.push(token_pk);
            columns.times.push(used.at);
            columns.addresses.push(used.from.map_or_else(String::new, |address| address.to_string()));
        }
        columns
    }
}

/// Writes down what was noted, now and then, until told to stop, and once more then.
pub async fn keep_flushing(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(FLUSH_EVERY) => {}
        }
        flush(&app).await;
    }
}

/// Writes down what was noted. What cannot be written is lost: the next use says as much.
async fn flush(app: &App) {
    let columns = app.last_uses.columns();
    if columns.token_pks.is_empty() {
        return;
    }
    if let Err(error) = update_uses(&app.pool, &columns).await {
        tracing::warn!(%error, "the last uses of tokens could not be written down");
    }
}
