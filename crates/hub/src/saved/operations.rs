//! Saving a search, changing and deleting it.

use chrono::{DateTime, TimeDelta, Utc};
use hub_types::RepoType;

use super::queries::{self, Change, NewRow, SavedSearch};
use crate::accounts::User;
use crate::app::App;
use crate::db;
use crate::error::{HubError, HubResult};
use crate::repos::pages::list::ListFilter;

/// How many one account may have.
pub const MAX_SAVED: i64 = 100;
/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest query, in bytes.
const MAX_QUERY_BYTES: usize = 2000;

/// When mails tell what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Alerts {
    /// Never.
    Off,
    /// Whenever the hub has looked.
    AtOnce,
    /// Once a day.
    Daily,
    /// Once a week.
    Weekly,
}

impl Alerts {
    /// All of them.
    pub const EVERY: [Self; 4] = [Self::Off, Self::AtOnce, Self::Daily, Self::Weekly];

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::AtOnce => "at_once",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "No mail",
            Self::AtOnce => "Mail at once",
            Self::Daily => "Mail once a day",
            Self::Weekly => "Mail once a week",
        }
    }

    /// Reads the stored word.
    ///
    /// # Errors
    /// 400 for any other.
    pub fn parse(text: &str) -> HubResult<Self> {
        let found = Self::EVERY.into_iter().find(|alerts| alerts.as_str() == text);
        found.ok_or_else(|| HubError::bad_request("Choose how often you want mail.").at("alerts"))
    }

    /// When to look next after it was due at a moment; nothing if never. Days that were missed are not made up for.
    pub(super) fn next(self, due_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let period = match self {
            Self::Off => return None,
            Self::AtOnce => return Some(now),
            Self::Daily => TimeDelta::days(1),
            Self::Weekly => TimeDelta::days(7),
        };
        let next = due_at + period;
        Some(if next > now { next } else { now + period })
    }
}

impl SavedSearch {
    /// What narrows the list.
    pub(super) fn filter(&self) -> ListFilter {
        ListFilter::read(self.repo_type, &self.query)
    }

    /// The list.
    pub(super) fn href(&self) -> String {
        format!("/{}?{}", self.repo_type.plural(), self.query)
    }

    /// The list, the latest first.
    pub(super) fn latest_href(&self) -> String {
        format!("/{}?{}", self.repo_type.plural(), self.filter().latest_first().canonical())
    }
}

/// A search as somebody saves it.
#[derive(Debug)]
pub struct NewSearch<'a> {
    /// Which list.
    pub kind: RepoType,
    /// What narrows it.
    pub filter: &'a ListFilter,
    /// Its name.
    pub name: &'a str,
    /// When mails tell what is new.
    pub alerts: Alerts,
}

/// Saves a search.
///
/// # Errors
/// 400 for a name or a query that is too long, 409 when the name or the search is there, or when there are too many.
pub async fn save(app: &App, user: &User, new: &NewSearch<'_>) -> HubResult<()> {
    check_name(new.name)?;
    let query = new.filter.canonical();
    if query.len() > MAX_QUERY_BYTES {
        return Err(HubError::bad_request("This search is too long to be saved. Remove some of its filters."));
    }
    let now = crate::clock::now();
    let row = NewRow {
        user_pk: user.pk,
        name: new.name,
        repo_type: new.kind,
        query: &query,
        alerts: new.alerts,
        look_at: new.alerts.next(now, now),
    };
    let mut tx = app.begin().await?;
    if queries::lock_and_count(&mut tx, user.pk).await? >= MAX_SAVED {
        let text = format!("You have {MAX_SAVED} saved searches, and that is as many as there may be. Delete one first.");
        return Err(HubError::conflict(text));
    }
    queries::insert(&mut tx, &row).await.map_err(taken)?;
    tx.commit().await?;
    Ok(())
}

/// Gives one of a user's another name and another choice of mails.
///
/// # Errors
/// 400 for a name that is too long, 404 when it is not the user's, 409 when the name is taken.
pub async fn change(app: &App, user: &User, pk: i64, name: &str, alerts: Alerts) -> HubResult<()> {
    check_name(name)?;
    let now = crate::clock::now();
    let change = Change { name, alerts, look_at: alerts.next(now, now) };
    found(queries::update(&app.pool, user.pk, pk, &change).await.map_err(taken)?)
}

/// Gives the feed of one of a user's another address.
///
/// # Errors
/// 404 when it is not the user's.
pub async fn renew_feed(app: &App, user: &User, pk: i64) -> HubResult<()> {
    found(queries::renew_feed(&app.pool, user.pk, pk).await?)
}

/// Deletes one of a user's.
///
/// # Errors
/// 404 when it is not the user's.
pub async fn delete(app: &App, user: &User, pk: i64) -> HubResult<()> {
    found(queries::delete(&app.pool, user.pk, pk).await?)
}

/// That there is no such saved search, or that it is somebody else's.
pub(super) fn missing() -> HubError {
    HubError::not_found("There is no such saved search: it may have been deleted.")
}

fn found(was_there: bool) -> HubResult<()> {
    if was_there { Ok(()) } else { Err(missing()) }
}

fn check_name(name: &str) -> HubResult<()> {
    let refused = |text: String| Err(HubError::bad_request(text).at("name"));
    if name.is_empty() {
        return refused("Give it a name.".to_owned());
    }
    if name.chars().count() > MAX_NAME {
        return refused(format!("Keep the name under {MAX_NAME} characters."));
    }
    if name.chars().any(char::is_control) {
        return refused("Keep the name on one line.".to_owned());
    }
    Ok(())
}

fn taken(error: sqlx::Error) -> HubError {
    if db::violates(&error, "saved_searches_user_pk_name_idx") {
        return HubError::conflict("You have a saved search of this name already.").at("name");
    }
    if db::violates(&error, "saved_searches_user_pk_query_idx") {
        return HubError::conflict("You have saved this search already, under another name.");
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_keep_their_time_of_day() {
        let at = |hours: i64| DateTime::from_timestamp(1_700_000_000 + hours * 3600, 0).unwrap();
        for (alerts, now, next) in [
            (Alerts::Off, 0, None),
            (Alerts::AtOnce, 1, Some(1)),
            (Alerts::Daily, 1, Some(24)),
            (Alerts::Weekly, 1, Some(168)),
            (Alerts::Daily, 50, Some(74)),
        ] {
            assert_eq!(alerts.next(at(0), at(now)), next.map(at), "{alerts:?} {now}");
        }
    }
}
