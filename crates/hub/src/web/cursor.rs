//! A place in a list that goes by time, newest first.

use chrono::{DateTime, Utc};

use super::extract::Query;
use crate::error::{HubError, HubResult};

/// About 4370 BC, in seconds.
const EARLIEST_SECS: i64 = -200_000_000_000;

/// The last row of the page before: lists go on with what is older, or as old with a lower key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeCursor {
    /// Its time, in whole microseconds, as Postgres keeps it.
    pub at: DateTime<Utc>,
    /// Its key.
    pub pk: i64,
}

impl TimeCursor {
    /// Before the first row.
    pub const START: Self = Self { at: DateTime::<Utc>::MAX_UTC, pk: i64::MAX };

    /// As text for an address.
    pub fn encode(self) -> String {
        format!("{}_{}", self.at.timestamp_micros(), self.pk)
    }

    /// Reads `key` of a query; the start when it is not there.
    ///
    /// # Errors
    /// 400 for what [`TimeCursor::encode`] did not make.
    pub fn read(query: &Query, key: &str) -> HubResult<Self> {
        let Some(text) = query.get(key) else { return Ok(Self::START) };
        let read = || {
            let (at, pk) = text.split_once('_')?;
            Some(Self { at: time_of(at.parse().ok()?)?, pk: pk.parse().ok()? })
        };
        read().ok_or_else(|| HubError::bad_request(format!("`{key}` is not one that this list gave. Start again without it.")))
    }

    /// The time for a statement: nothing before the first row, since Postgres' calendar ends before ours.
    pub fn before(self) -> Option<DateTime<Utc>> {
        (self != Self::START).then_some(self.at)
    }
}

/// The time of a cursor, from microseconds. Postgres' calendar begins in 4713 BC; nothing here is as old as that.
pub fn time_of(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).filter(|at| at.timestamp() > EARLIEST_SECS)
}

/// How many rows are read for a page: one more than it holds, to tell whether there is another.
pub fn one_more(page: usize) -> i64 {
    i64::try_from(page.saturating_add(1)).unwrap_or(i64::MAX)
}

/// Cuts a page off rows that were read with [`one_more`], and says where the next one begins.
pub fn cut<T>(rows: &mut Vec<T>, page: usize, place: impl Fn(&T) -> TimeCursor) -> Option<TimeCursor> {
    let more = rows.len() > page;
    rows.truncate(page);
    rows.last().filter(|_| more).map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_an_address() {
        let cursor = TimeCursor { at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(), pk: 7 };
        let read = |text: &str| TimeCursor::read(&Query::parse(text), "cursor");
        assert_eq!(read(&format!("cursor={}", cursor.encode())).unwrap(), cursor);
        assert_eq!(read("").unwrap().before(), None);
        for text in ["cursor=x", "cursor=1", "cursor=1_", "cursor=99999999999999999999_1", "cursor=9223372036854775807_1"] {
            assert!(read(text).is_err(), "{text}");
        }
        // Postgres' calendar begins in 4713 BC.
        for text in ["cursor=-9223372036854775808_1", "cursor=-210866803200000001_1", "cursor=-8000000000000000000_1"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("cursor=-1_1").is_ok());
    }
}
