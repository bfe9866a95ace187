//! Conditions on when a repository last changed and when it was made: within a time that goes on with the present, or since a day.

use chrono::{Datelike as _, NaiveDate};
use hub_search::{Number, Range};

use super::params::Params;
use crate::web::extract::Query;
use crate::web::form::Choice;

const HOUR_SECS: i64 = 3600;
const DAY_SECS: i64 = 24 * HOUR_SECS;

/// A moment that every repository has.
#[derive(Debug)]
pub(super) struct Moment {
    /// The key in addresses of a time that ends now.
    pub key: &'static str,
    /// The key of a day.
    pub since_key: &'static str,
    /// Its heading.
    pub label: &'static str,
    number: Number,
}

/// All of them.
pub(super) const MOMENTS: &[Moment] = &[
    Moment { key: "updated", since_key: "updated_since", label: "Updated", number: Number::Updated },
    Moment { key: "created", since_key: "created_since", label: "Created", number: Number::Created },
];

/// A time that ends now.
#[derive(Debug)]
pub(super) struct Period {
    word: &'static str,
    label: &'static str,
    days: i64,
}

const PERIODS: &[Period] = &[
    Period { word: "week", label: "Past week", days: 7 },
    Period { word: "month", label: "Past month", days: 30 },
    Period { word: "year", label: "Past year", days: 365 },
];

/// A condition.
#[derive(Debug, Clone, Copy)]
pub(super) struct DateFilter {
    moment: &'static Moment,
    start: Start,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    /// As long before the present. It is kept as such, so that a saved search goes on with the time.
    Ago(&'static Period),
    /// The beginning of a day, in UTC.
    Day(NaiveDate),
}

/// Reads the conditions. What cannot be read is as if it were not there.
pub(super) fn read(query: &Query) -> Vec<DateFilter> {
    let of = |moment: &'static Moment| {
        let period = query.get(moment.key).and_then(period).map(Start::Ago);
        let since = query.get(moment.since_key).and_then(day).map(Start::Day);
        period.into_iter().chain(since).map(move |start| DateFilter { moment, start })
    };
    MOMENTS.iter().flat_map(of).collect()
}

fn period(word: &str) -> Option<&'static Period> {
    PERIODS.iter().find(|period| period.word == word.trim())
}

fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    (1970..=9999).contains(&day.year()).then_some(day)
}

impl DateFilter {
    /// Its key in addresses.
    pub(super) const fn key(&self) -> &'static str {
        match self.start {
            Start::Ago(_) => self.moment.key,
            Start::Day(_) => self.moment.since_key,
        }
    }

    /// Its value in addresses.
    pub(super) fn value(&self) -> String {
        match self.start {
            Start::Ago(period) => period.word.to_owned(),
            Start::Day(day) => day.format("%Y-%m-%d").to_string(),
        }
    }

    /// The words for it.
    pub(super) fn label(&self) -> String {
        let Moment { label, .. } = self.moment;
        match self.start {
            Start::Ago(period) => format!("{label} in the {}", period.label.to_lowercase()),
            Start::Day(day) => format!("{label} since {}", day.format("%-d %B %Y")),
        }
    }

    /// The condition for the index.
    pub(super) fn range(&self) -> Range {
        let min = match self.start {
            // By the hour: the index keeps what it has counted for a question that is asked again.
            Start::Ago(period) => {
                let now = crate::clock::now().timestamp();
                now - now.rem_euclid(HOUR_SECS) - period.days * DAY_SECS
            }
            Start::Day(day) => day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp(),
        };
        Range { number: self.moment.number, min: Some(min), max: None }
    }
}

/// The fields of a moment, ready to print.
#[derive(Debug)]
pub(super) struct DateGroup {
    /// Which moment.
    pub moment: &'static Moment,
    /// The times to choose from.
    pub choices: Vec<Choice>,
    /// The day, as a field for days has it; empty when none is given.
    pub since: String,
    /// Whether a condition is there.
    pub open: bool,
}

/// The fields of all moments.
pub(super) fn date_groups(params: &Params) -> Vec<DateGroup> {
    let of = |moment: &'static Moment| {
        let value = |key: &str| params.dates.iter().find(|filter| filter.key() == key).map(DateFilter::value).unwrap_or_default();
        let (current, since) = (value(moment.key), value(moment.since_key));
        let periods = PERIODS.iter().map(|period| Choice::new(period.word, period.label, &current));
        DateGroup {
            moment,
            choices: std::iter::once(Choice::new("", "Any time", &current)).chain(periods).collect(),
            open: !current.is_empty() || !since.is_empty(),
            since,
        }
    };
    MOMENTS.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(query: &str) -> Vec<String> {
        read(&Query::parse(query)).iter().map(DateFilter::label).collect()
    }

    #[test]
    fn times_and_days_are_read() {
        assert_eq!(
            labels("updated=week&created=year&created_since=2026-02-03"),
            ["Updated in the past week", "Created in the past year", "Created since 3 February 2026"]
        );
        let nonsense = "updated=&created=decade&updated_since=2026-02-30&created_since=yesterday&updated=week%00&updated_since=%2B12026-01-01";
        assert_eq!(labels(nonsense), [""; 0]);
        assert_eq!(labels("created_since=1969-12-31"), [""; 0]);
    }

    #[test]
    fn a_time_ends_now_and_a_day_begins_at_midnight() {
        let ranges = |query: &str| read(&Query::parse(query)).iter().map(DateFilter::range).collect::<Vec<_>>();
        let day = ranges("created_since=1970-01-02");
        assert_eq!(day, [Range { number: Number::Created, min: Some(DAY_SECS), max: None }]);
        let week = ranges("updated=week");
        let since = crate::clock::now().timestamp() - week[0].min.unwrap();
        assert!(week[0].number == Number::Updated && (7 * DAY_SECS..7 * DAY_SECS + 2 * HOUR_SECS).contains(&since), "{since}");
    }
}
