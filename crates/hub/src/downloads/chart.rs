//! The downloads of the last thirty days, drawn on the server.

use chrono::{NaiveDate, TimeDelta};

use super::queries::{DayRow, list_days};
use crate::app::App;
use crate::error::HubResult;

/// How many days are shown.
const DAYS: i64 = 30;
/// The height of the drawing, in its own units; a bar is 8 wide, with 2 between.
const HEIGHT: i64 = 48;
const STEP: i64 = 10;

/// The drawing, and the numbers behind it.
#[derive(Debug, Default)]
pub struct DownloadChart {
    /// The days, the oldest first.
    pub bars: Vec<Bar>,
    /// The downloads of all of them.
    pub downloads: i64,
    /// The requests.
    pub requests: i64,
}

/// A day.
#[derive(Debug)]
pub struct Bar {
    /// `7 March`.
    pub label: String,
    /// Its downloads.
    pub downloads: i64,
    /// Its requests.
    pub requests: i64,
    /// Where its bar stands, and how high it is.
    pub x: i64,
    /// The upper end.
    pub y: i64,
    /// The height.
    pub height: i64,
}

impl DownloadChart {
    /// The chart of a repository.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_repo(app: &App, repo_pk: i64) -> HubResult<Self> {
        let today = crate::clock::now().date_naive();
        let since = today - TimeDelta::days(DAYS - 1);
        Ok(Self::of_days(since, &list_days(&app.pool, repo_pk, since).await?))
    }

    fn of_days(since: NaiveDate, rows: &[DayRow]) -> Self {
        let most = rows.iter().map(|row| row.downloads).max().unwrap_or(0).max(1);
        let bar = |index: i64| {
            let day = since + TimeDelta::days(index);
            let row = rows.iter().find(|row| row.day == day);
            let (downloads, requests) = row.map_or((0, 0), |row| (row.downloads, row.requests));
            // A day with one download is seen beside one with a thousand.
            let height = if downloads > 0 { (downloads.saturating_mul(HEIGHT) / most).max(2) } else { 1 };
            Bar { label: day.format("%-d %B").to_string(), downloads, requests, x: index * STEP, y: HEIGHT - height, height }
        };
        let bars: Vec<Bar> = (0..DAYS).map(bar).collect();
        Self { downloads: bars.iter().map(|bar| bar.downloads).sum(), requests: bars.iter().map(|bar| bar.requests).sum(), bars }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_a_bar_within_the_drawing() {
        let since = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
        let day = |day, downloads| DayRow { day: since + TimeDelta::days(day), downloads, requests: downloads * 3 };
        let chart = DownloadChart::of_days(since, &[day(0, 1), day(29, 10_000)]);
        assert_eq!((chart.bars.len(), chart.downloads, chart.requests), (30, 10_001, 30_003));
        assert_eq!((chart.bars[0].label.as_str(), chart.bars[0].height, chart.bars[29].y), ("1 February", 2, 0));
        assert!(chart.bars.iter().all(|bar| bar.y + bar.height == HEIGHT && bar.y >= 0));
    }
}
