//! How much is reported, what is done about it, and how long that takes.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::acts::Act;
use super::category::Category;
use super::queries::statistics::{self as queries, CountRow, QuarterRow};
use crate::app::App;
use crate::error::HubResult;

/// For how many days one can look back.
pub const DAYS: [i32; 3] = [30, 90, 365];

/// How many quarters a transparency report has.
const QUARTERS: i32 = 12;

/// What was counted.
#[derive(Debug)]
pub struct Statistics {
    /// Over how many days.
    pub days: i32,
    /// Cases by category.
    pub cases: Vec<CountRow>,
    /// Acts by kind.
    pub acts: Vec<CountRow>,
    /// Appeals by what became of them.
    pub appeals: Vec<CountRow>,
}

/// Counts the last days.
///
/// # Errors
/// The database does not answer.
pub async fn count(app: &App, days: i32) -> HubResult<Statistics> {
    let days = if DAYS.contains(&days) { days } else { DAYS[0] };
    Ok(Statistics {
        days,
        cases: queries::count_cases(&app.pool, days).await?,
        acts: queries::count_acts(&app.pool, days).await?,
        appeals: queries::count_appeals(&app.pool, days).await?,
    })
}

impl Statistics {
    /// As one JSON object.
    pub fn json(&self) -> Value {
        let rows = |rows: &[CountRow]| {
            let one = |row: &CountRow| match row.median_hours {
                Some(hours) => json!({ "key": row.key, "count": row.count, "medianHours": hours }),
                None => json!({ "key": row.key, "count": row.count }),
            };
            rows.iter().map(one).collect::<Vec<_>>()
        };
        json!({ "days": self.days, "cases": rows(&self.cases), "acts": rows(&self.acts), "appeals": rows(&self.appeals) })
    }

    /// As a table.
    pub fn csv(&self) -> String {
        let mut text = "table,key,count,median_hours\r\n".to_owned();
        for (table, rows) in [("cases", &self.cases), ("acts", &self.acts), ("appeals", &self.appeals)] {
            for row in rows {
                let hours = row.median_hours.map(|hours| format!("{hours:.2}")).unwrap_or_default();
                // Writing into a text cannot fail.
                let _ = write!(text, "{table},{},{},{hours}\r\n", row.key, row.count);
            }
        }
        text
    }
}

/// Counts the last quarters, for a transparency report.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_quarter(app: &App) -> HubResult<Vec<QuarterRow>> {
    Ok(queries::count_by_quarter(&app.pool, QUARTERS).await?)
}

/// Quarters as one JSON array.
pub fn quarters_json(rows: &[QuarterRow]) -> Value {
    let one = |row: &QuarterRow| {
        let mut object = json!({ "quarter": row.quarter, "what": row.what, "key": row.key, "count": row.count });
        if let (Some(hours), Some(object)) = (row.median_hours, object.as_object_mut()) {
            object.insert("medianHours".to_owned(), json!(hours));
        }
        object
    };
    rows.iter().map(one).collect()
}

/// Quarters as a table.
pub fn quarters_csv(rows: &[QuarterRow]) -> String {
    let mut text = "quarter,what,key,count,median_hours\r\n".to_owned();
    for row in rows {
        let hours = row.median_hours.map(|hours| format!("{hours:.2}")).unwrap_or_default();
        // Writing into a text cannot fail.
        let _ = write!(text, "{},{},{},{},{hours}\r\n", row.quarter, row.what, row.key, row.count);
    }
    text
}

impl CountRow {
    /// What a category is called.
    pub fn category(&self) -> &'static str {
        Category::label_of(&self.key)
    }

    /// What an act is called.
    pub fn act(&self) -> &'static str {
        Act::done(&self.key)
    }

    /// How long it took, in words.
    pub fn hours(&self) -> String {
        self.median_hours.map_or_else(|| "not yet".to_owned(), |hours| format!("{hours:.1} h"))
    }
}
