//! The trending score: what lists sort by first. docs/trending.md has the rule; [`Terms`] is the rule itself, for the job that
//! counts all repositories and for the page that explains one.

use super::queries::trending::{self, ActivityRow, CountedRow, Worth};
use crate::app::App;
use crate::config::Config;
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
/// So many likes of one day count whole; of more, only what their logarithm adds.
pub const WHOLE_LIKES: f64 = 25.0;
/// The same for downloads.
pub const WHOLE_DOWNLOADS: f64 = 1_000.0;

/// What likes and downloads are worth on this hub.
pub fn worth(config: &Config) -> Worth {
    let account_days = i32::try_from(config.trending_account_days).unwrap_or(i32::MAX);
    Worth { account_days, whole_likes: WHOLE_LIKES, whole_downloads: WHOLE_DOWNLOADS }
}

/// The terms of a score, each a whole number. Their sum is the score, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// For likes.
    pub likes: i64,
    /// What goes off for many likes on one day; not above 0.
    pub like_bursts: i64,
    /// For downloads.
    pub downloads: i64,
    /// What goes off for many downloads on one day; not above 0.
    pub download_bursts: i64,
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
        let likes = points(LIKE_POINTS * activity.weighted_likes);
        let downloads = for_downloads(activity.weighted_downloads);
        Self {
            likes,
            like_bursts: points(LIKE_POINTS * activity.damped_likes).saturating_sub(likes),
            downloads,
            download_bursts: for_downloads(activity.damped_downloads).saturating_sub(downloads),
            newness: points(newness),
        }
    }

    /// The score.
    pub const fn sum(self) -> i64 {
        let likes = self.likes.saturating_add(self.like_bursts);
        let downloads = self.downloads.saturating_add(self.download_bursts);
        likes.saturating_add(downloads).saturating_add(self.newness)
    }
}

fn for_downloads(worth: f64) -> i64 {
    points(DOWNLOAD_POINTS * (1.0 + worth).log2())
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
    let worth = worth(&app.config);
    let mut after = 0;
    loop {
        let mut tx = app.begin().await?;
        db::lock(&mut tx, LockKey::Counters).await?;
        let keys = trending::list_active_keys(&mut tx, after, BATCH).await?;
        let Some(last) = keys.last() else { break };
        after = *last;
        let rows = trending::list_activity(&mut *tx, &keys, worth).await?;
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

    fn activity(likes: (f64, f64), downloads: (f64, f64), age_days: f64) -> ActivityRow {
        ActivityRow {
            repo_pk: 1,
            trending: 0,
            downloads: 0,
            recent_downloads: 0,
            recent_likes: 0,
            weighted_likes: likes.0,
            damped_likes: likes.1,
            young_likes: 0,
            own_likes: 0,
            barred_likes: 0,
            likes: [0; 3],
            counted_likes: [0; 3],
            scored_downloads: 0,
            weighted_downloads: downloads.0,
            damped_downloads: downloads.1,
            age_days,
        }
    }

    #[test]
    fn scores_are_sums_of_whole_terms() {
        for (likes, downloads, age, terms) in [
            ((0.0, 0.0), (0.0, 0.0), 400.0, [0, 0, 0, 0, 0]),
            ((0.0, 0.0), (0.0, 0.0), 0.0, [0, 0, 0, 0, 20]),
            ((1.0, 1.0), (0.0, 0.0), 7.0, [10, 0, 0, 0, 10]),
            ((2.5, 2.5), (1.0, 1.0), 28.0, [25, 0, 10, 0, 0]),
            ((0.0, 0.0), (1023.0, 1023.0), 27.9, [0, 0, 100, 0, 1]),
            ((60.0, 46.88), (4095.0, 1023.0), 28.0, [600, -131, 120, -20, 0]),
        ] {
            let found = Terms::of(&activity(likes, downloads, age));
            assert_eq!([found.likes, found.like_bursts, found.downloads, found.download_bursts, found.newness], terms);
            assert_eq!(found.sum(), terms.iter().sum::<i64>());
        }
    }
}
