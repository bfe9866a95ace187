//! Twelve months of activity, drawn on the server: a square for each day, a column for each week.

use chrono::{Datelike as _, NaiveDate, TimeDelta};

use super::queries::{DayRow, count_days};
use crate::app::App;
use crate::error::HubResult;

/// How many weeks are drawn.
const WEEKS: i64 = 53;
/// The distance of two squares, in the drawing's own units.
const STEP: i64 = 12;
/// Where the first row begins, below the months.
const TOP: i64 = 16;

/// The drawing and the numbers behind it.
#[derive(Debug, Default)]
pub struct Calendar {
    /// The days, the oldest first.
    pub days: Vec<Day>,
    /// The names of months, and where they stand.
    pub months: Vec<(i64, String)>,
    /// What was done in all.
    pub total: i64,
    /// By month, for those who do not see the drawing.
    pub by_month: Vec<(String, i64)>,
}

/// A day.
#[derive(Debug)]
pub struct Day {
    /// `7 March 2026`.
    pub label: String,
    /// How much was done.
    pub count: i64,
    /// From 0 to 4.
    pub level: u8,
    /// Where it stands.
    pub x: i64,
    /// Where it stands.
    pub y: i64,
}

impl Calendar {
    /// The calendar of a user or an organisation.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_namespace(app: &App, namespace_pk: i64) -> HubResult<Self> {
        let today = crate::clock::now().date_naive();
        let since = first_day(today);
        Ok(Self::of_days(since, today, &count_days(&app.pool, namespace_pk, since).await?))
    }

    fn of_days(since: NaiveDate, today: NaiveDate, rows: &[DayRow]) -> Self {
        let most = rows.iter().map(|row| row.count).max().unwrap_or(0);
        let mut calendar = Self::default();
        for index in 0..=(today - since).num_days() {
            let day = since + TimeDelta::days(index);
            let count = rows.iter().find(|row| row.day == day).map_or(0, |row| row.count);
            let (x, y) = (index / 7 * STEP, TOP + index % 7 * STEP);
            let month = day.format("%B %Y").to_string();
            if calendar.by_month.last().is_none_or(|(last, _)| *last != month) {
                // A name needs the room of three columns: the rest of a month with which the year begins gives way.
                if calendar.months.last().is_some_and(|(at, _)| x - at < 3 * STEP) {
                    calendar.months.pop();
                }
                calendar.months.push((x, day.format("%b").to_string()));
                calendar.by_month.push((month, 0));
            }
            if let Some((_, sum)) = calendar.by_month.last_mut() {
                *sum += count;
            }
            calendar.total += count;
            let label = day.format("%-d %B %Y").to_string();
            calendar.days.push(Day { label, count, level: level(count, most), x, y });
        }
        calendar.by_month.retain(|(_, count)| *count > 0);
        calendar
    }
}

/// The Monday with which the drawing begins.
fn first_day(today: NaiveDate) -> NaiveDate {
    let monday = today - TimeDelta::days(i64::from(today.weekday().num_days_from_monday()));
    monday - TimeDelta::weeks(WEEKS - 1)
}

/// A quarter of the most is a level; anything at all is the first.
fn level(count: i64, most: i64) -> u8 {
    let quarter = count.saturating_mul(4).checked_div(most).unwrap_or(0);
    if count == 0 { 0 } else { u8::try_from(quarter.clamp(1, 4)).unwrap_or(4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_fits_the_drawing() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
        let since = first_day(today);
        assert_eq!(since.weekday(), chrono::Weekday::Mon);
        let row = |days, count| DayRow { day: today - TimeDelta::days(days), count };
        let calendar = Calendar::of_days(since, today, &[row(0, 8), row(1, 1), row(300, 4)]);
        let last = calendar.days.last().unwrap();
        assert_eq!((last.label.as_str(), last.count, last.level), ("26 November 2026", 8, 4));
        assert_eq!((last.x, last.y, calendar.total), (52 * STEP, TOP + 3 * STEP, 13));
        let levels: Vec<u8> = calendar.days.iter().map(|day| day.level).filter(|level| *level > 0).collect();
        assert_eq!(levels, [2, 1, 4]);
        let months: Vec<&str> = calendar.months.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(months, ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]);
        assert_eq!(calendar.by_month.iter().map(|(_, count)| count).sum::<i64>(), 13);
    }
}
