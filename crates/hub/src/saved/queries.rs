//! Every statement on saved searches; those on what is new in them are in [`alerts`].

pub mod alerts;

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::{PgConnection, PgPool};

use super::operations::Alerts;
use crate::accounts::queries::lock_user;

/// A saved search.
#[derive(Debug, Clone)]
pub struct SavedSearch {
    /// The key.
    pub saved_search_pk: i64,
    /// Whose it is.
    pub user_pk: i64,
    /// What it is called.
    pub name: String,
    /// Which list.
    pub repo_type: RepoType,
    /// What narrows the list, as its address says it.
    pub query: String,
    /// When mails tell what is new.
    pub alerts: Alerts,
    /// What the address of its feed is signed over.
    pub feed_number: i32,
    /// Since when its owner knows what is in it.
    pub seen_at: DateTime<Utc>,
    /// Repositories that were found and that no mail has told of yet.
    pub waiting: Vec<i64>,
    /// How many more were found.
    pub waiting_more: i64,
    /// When the last mail went.
    pub mailed_at: Option<DateTime<Utc>>,
}

/// A search to save.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// Whose.
    pub user_pk: i64,
    /// Its name.
    pub name: &'a str,
    /// Which list.
    pub repo_type: RepoType,
    /// What narrows it.
    pub query: &'a str,
    /// When mails tell what is new.
    pub alerts: Alerts,
    /// When to look first.
    pub look_at: Option<DateTime<Utc>>,
}

/// Makes others that save a search for the same user wait, and counts what is there.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, user_pk: i64) -> sqlx::Result<i64> {
    lock_user(conn, user_pk).await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from saved_searches where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// Adds one.
///
/// # Errors
/// The name is taken (`saved_searches_user_pk_name_idx`), or the same is saved already (`saved_searches_user_pk_query_idx`).
pub async fn insert(conn: &mut PgConnection, new: &NewRow<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into saved_searches (user_pk, name, repo_type, query, alerts, look_at) values ($1, $2, $3, $4, $5, $6)",
        new.user_pk,
        new.name,
        new.repo_type as RepoType,
        new.query,
        new.alerts.as_str(),
        new.look_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Those of a user, by name.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, user_pk: i64) -> sqlx::Result<Vec<SavedSearch>> {
    sqlx::query_as!(
        SavedSearch,
        r#"select saved_search_pk, user_pk, name, repo_type as "repo_type: RepoType", query, alerts as "alerts: Alerts", feed_number,
                  seen_at, waiting, waiting_more, mailed_at
           from saved_searches where user_pk = $1 order by lower(name)"#,
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Finds one by its key, whoever's it is.
///
/// # Errors
/// The database does not answer.
pub async fn find(pool: &PgPool, pk: i64) -> sqlx::Result<Option<SavedSearch>> {
    sqlx::query_as!(
        SavedSearch,
        r#"select saved_search_pk, user_pk, name, repo_type as "repo_type: RepoType", query, alerts as "alerts: Alerts", feed_number,
                  seen_at, waiting, waiting_more, mailed_at
           from saved_searches where saved_search_pk = $1"#,
        pk
    )
    .fetch_optional(pool)
    .await
}

/// What its owner changes.
#[derive(Debug)]
pub struct Change<'a> {
    /// Its name.
    pub name: &'a str,
    /// When mails tell what is new.
    pub alerts: Alerts,
    /// When to look next, if `alerts` is another choice than before.
    pub look_at: Option<DateTime<Utc>>,
}

/// Changes one of a user's. With another choice of alerts, what is there now counts as told.
///
/// # Errors
/// The name is taken (`saved_searches_user_pk_name_idx`).
pub async fn update(pool: &PgPool, user_pk: i64, pk: i64, change: &Change<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update saved_searches set name = $3, alerts = $4,
                look_at = case when alerts = $4 then look_at else $5 end,
                looked_until = case when alerts = 'off' then now() else looked_until end,
                waiting = case when $4 = 'off' then '{}' else waiting end,
                waiting_more = case when $4 = 'off' then 0 else waiting_more end
         where user_pk = $1 and saved_search_pk = $2",
        user_pk,
        pk,
        change.name,
        change.alerts.as_str(),
        change.look_at
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Ends the mails about one, whoever's it is.
///
/// # Errors
/// The database does not answer.
pub async fn end_alerts(pool: &PgPool, pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update saved_searches set alerts = 'off', look_at = null, waiting = '{}', waiting_more = 0 where saved_search_pk = $1",
        pk
    )
    .execute(pool)
    .await
    .map(|_| ())
}

/// Notes that its owner has seen what is in it now.
///
/// # Errors
/// The database does not answer.
pub async fn mark_seen(pool: &PgPool, user_pk: i64, pk: i64) -> sqlx::Result<()> {
    sqlx::query!("update saved_searches set seen_at = now() where user_pk = $1 and saved_search_pk = $2", user_pk, pk)
        .execute(pool)
        .await
        .map(|_| ())
}

/// Gives the feed of one of a user's another address.
///
/// # Errors
/// The database does not answer.
pub async fn renew_feed(pool: &PgPool, user_pk: i64, pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update saved_searches set feed_number = feed_number + 1 where user_pk = $1 and saved_search_pk = $2",
        user_pk,
        pk
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Removes one of a user's.
///
/// # Errors
/// The database does not answer.
pub async fn delete(pool: &PgPool, user_pk: i64, pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from saved_searches where user_pk = $1 and saved_search_pk = $2", user_pk, pk);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}
