//! What was removed and can be restored, at the end of the page that lists what is there; `components/removed.html` shows it.

use chrono::{DateTime, Utc};

/// What was removed of one kind.
#[derive(Debug)]
pub struct Removed {
    /// What they are, as a heading: "Removed domains".
    pub heading: &'static str,
    /// What one of them is, over its column.
    pub column: &'static str,
    /// What else is to be known before one is restored.
    pub hint: &'static str,
    /// For how many days they can be.
    pub days: u64,
    /// Where the forms go: the field `restore` has the key.
    pub path: String,
    /// The last removed first.
    pub items: Vec<RemovedItem>,
}

/// One of them.
#[derive(Debug)]
pub struct RemovedItem {
    /// Its key.
    pub key: i64,
    /// What it is called.
    pub name: String,
    /// Of what it is, or nothing.
    pub of: String,
    /// More about it, or nothing.
    pub note: String,
    /// When it was removed.
    pub deleted_at: DateTime<Utc>,
}
