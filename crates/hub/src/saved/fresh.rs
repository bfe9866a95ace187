//! What is new in saved searches.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use hub_search::{SearchQuery, Visible};
use hub_types::RepoType;

use super::queries;
use super::queries::alerts::FreshRow;
use crate::accounts::{Auth, User, Viewer};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::pages::list::ListFilter;
use crate::search;

/// How many candidates are looked at, the latest: more than are made in a week, imports apart.
const CANDIDATES: i64 = 10_000;
/// How long the index may take to hear of what is in the database.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who is told what is new. Administrators are told of what they see as the people they are, and not of all that is
/// private on the hub.
#[derive(Debug)]
pub(super) struct Reader {
    viewer: Viewer,
    audiences: Vec<i64>,
}

impl Reader {
    pub(super) fn new(user: User) -> Self {
        // What a session of theirs would see; no statement asks for the session itself.
        let viewer = Viewer { user: Some(User { is_admin: false, is_moderator: false, ..user }), auth: Auth::Password };
        Self { audiences: viewer.audiences(), viewer }
    }

    /// The reader, for lists out of the database.
    pub(super) fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// What the reader finds in the index.
    pub(super) fn visible(&self) -> Visible {
        search::visible_to(&self.viewer)
    }

    /// Which of the candidates became new to this reader after a moment.
    pub(super) fn candidates(&self, fresh: &[FreshRow], kind: RepoType, since: DateTime<Utc>) -> Vec<i64> {
        let is_new = |row: &&FreshRow| {
            let to_them = if self.audiences.contains(&row.audience) { row.to_members } else { row.to_others };
            to_them && row.repo_type == kind && row.at > since
        };
        fresh.iter().filter(is_new).map(|row| row.repo_pk).collect()
    }
}

/// What became new to anybody in a time.
///
/// # Errors
/// The database does not answer.
pub(super) async fn list(app: &App, since: DateTime<Utc>, until: DateTime<Utc>) -> HubResult<Vec<FreshRow>> {
    Ok(queries::alerts::list_fresh(&app.pool, since, until, CANDIDATES).await?)
}

/// Waits until the index has heard of all that is in the database by now.
///
/// # Errors
/// 503 when that takes too long.
pub(super) async fn wait_for_index(app: &App) -> HubResult<()> {
    let started = Instant::now();
    while app.search.behind(&app.pool).await != Some(0) {
        if started.elapsed() > PATIENCE {
            return Err(HubError::unavailable(
                "The search index is behind. Try again in a moment.",
                "the search index is behind",
            ));
        }
        app.search.wake();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The latest, by key.
    pub repo_pks: Vec<i64>,
    /// How many there are in all.
    pub total: u64,
}

/// Which of the candidates a search finds, the latest first.
///
/// # Errors
/// 503 while there is no index.
pub(super) async fn matching(app: &App, filter: &ListFilter, reader: &Reader, only: Vec<i64>, limit: usize) -> HubResult<Found> {
    if only.is_empty() {
        return Ok(Found::default());
    }
    find(app, SearchQuery { only: Some(only), limit, ..filter.question(reader.viewer(), reader.visible()) }).await
}

/// Asks the index. Where nothing has all the words, lists show what has one of them: that is not what somebody waits for.
///
/// # Errors
/// 503 while there is no index.
pub(super) async fn find(app: &App, question: SearchQuery) -> HubResult<Found> {
    let results = app.search.search(question).await?;
    if results.text.any_word {
        return Ok(Found::default());
    }
    Ok(Found { repo_pks: results.hits.iter().map(|hit| hit.pk).collect(), total: results.total })
}
