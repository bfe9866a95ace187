//! The trending score: what lists sort by first. docs/trending.md has the rule; [`Terms`] is the rule itself, for the job that
//! counts all repositories and for the page that explains one.

use super::queries::trending::{self, ActivityRow, CountedRow};
use crate::app::App;
use crate::db::{self, LockKey};
use crate::downloads;
use crate::error::HubResult;
use crate::fetches;

/// How many repositories are counted at once.
const BATCH: i64 = 2_000;
/// What one like of this moment is worth.
pub const LIKE_POINTS: f64 = 10.0;
/// What a doubling of the downloads is worth.
pub const DOWNLOAD_POINTS: f64 = 10.0;
/// What a repository of this moment has for being new.
pub const NEW_POINTS: f64 = 20.0;
/// After how many days likes, downloads and newness are worth half.
pub const HALF_LIFE_DAYS: f64 = 7.0;
/// After how many days they are worth nothing.
pub const WINDOW_DAYS: f64 = 28.0;

/// The terms of a score, each a whole number. Their sum is the score, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// For likes.
    pub likes: i64,
    /// For downloads.
    pub downloads: i64,
    /// For being new.
    pub newness: i64,
}

impl Terms {
    /// The terms of what happened.
    pub fn of(activity: &ActivityRow) -> Self {
        let newness = match activity.age_days {
            age if age < WINDOW_DAYS => NEW_POINTS * 0.5_f64.powf(age.max(0.0) / HALF_LIFE_DAYS),
            _ => 0.0,
        };
        Self {
            likes: points(LIKE_POINTS * activity.weighted_likes),
            downloads: points(DOWNLOAD_POINTS * (1.0 + activity.weighted_downloads).log2()),
            newness: points(newness),
        }
    }

    /// The score.
    pub const fn sum(self) -> i64 {
        self.likes.saturating_add(self.downloads).saturating_add(self.newness)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float to an integer stays within its bounds")]
const fn points(value: f64) -> i64 {
    value.round() as i64
}

/// Counts the trending score, the downloads of the last thirty days and the likes of the last days of every repository anew. Writes what
/// has changed.
///
/// # Errors
/// The database does not answer.
pub async fn count_activity(app: &App) -> HubResult<()> {
    let mut after = 0;
    loop {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::Counters).await?;
        let keys = trending::list_active_keys(&mut tx, after, BATCH).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let rows = trending::list_activity(&mut *tx, &keys).await?;
        let changed: Vec<CountedRow> = rows.iter().filter_map(changed).collect();
        trending::update_counted(&mut tx, &changed).await?;
        tx.commit().await?;
    }
    downloads::forget_old(app).await?;
    fetches::forget_old(app).await
}

fn changed(row: &ActivityRow) -> Option<CountedRow> {
    let trending = Terms::of(row).sum();
    let differs = trending != row.trending || row.recent_downloads != row.downloads || row.counted_likes != row.likes;
    differs.then_some(CountedRow { repo_pk: row.repo_pk, trending, downloads: row.recent_downloads, likes: row.counted_likes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(weighted_likes: f64, weighted_downloads: f64, age_days: f64) -> ActivityRow {
        ActivityRow {
            repo_pk: 1,
            trending: 0,
            downloads: 0,
            recent_downloads: 0,
            recent_likes: 0,
            weighted_likes,
            likes: [0; 3],
            counted_likes: [0; 3],
            scored_downloads: 0,
            weighted_downloads,
            age_days,
        }
    }

    #[test]
    fn scores_are_sums_of_whole_terms() {
        for (likes, downloads, age, terms) in [
            (0.0, 0.0, 400.0, (0, 0, 0)),
            (0.0, 0.0, 0.0, (0, 0, 20)),
            (1.0, 0.0, 7.0, (10, 0, 10)),
            (2.5, 1.0, 28.0, (25, 10, 0)),
            (0.0, 1023.0, 27.9, (0, 100, 1)),
        ] {
            let found = Terms::of(&activity(likes, downloads, age));
            assert_eq!((found.likes, found.downloads, found.newness), terms);
            assert_eq!(found.sum(), terms.0 + terms.1 + terms.2);
        }
    }
}
