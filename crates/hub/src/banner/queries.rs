//! Statements on the banner.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::NewBanner;
use crate::accounts::UserPk;

/// The banner.
#[derive(Debug, Clone)]
pub struct BannerRow {
    /// What browsers remember that closed it.
    pub public_id: String,
    /// The text, in Markdown.
    pub body: String,
    /// How much it matters.
    pub level: String,
    /// Whether people can close it.
    pub dismissable: bool,
    /// From when on.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when.
    pub ends_at: Option<DateTime<Utc>>,
    /// Who wrote it, unless the account is gone.
    pub set_by: Option<String>,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// The banner, if there is one.
///
/// # Errors
/// The database does not answer.
pub async fn find(conn: impl PgExecutor<'_>) -> sqlx::Result<Option<BannerRow>> {
    sqlx::query_as!(
        BannerRow,
        r#"select public_id, body, level, dismissable, starts_at, ends_at, n.name as "set_by?", set_at
           from site_banner left join namespaces n on n.namespace_pk = set_by"#
    )
    .fetch_optional(conn)
    .await
}

/// Has those who change it take turns, until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table site_banner in share row exclusive mode").execute(conn).await.map(|_| ())
}

/// Puts one in place of the one that was there.
///
/// # Errors
/// The database does not answer.
pub async fn replace(conn: &mut PgConnection, public_id: &str, by: UserPk, new: &NewBanner) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into site_banner as b (public_id, body, level, dismissable, starts_at, ends_at, set_by)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (single) do update set
             public_id = excluded.public_id, body = excluded.body, level = excluded.level, dismissable = excluded.dismissable,
             starts_at = excluded.starts_at, ends_at = excluded.ends_at, set_by = excluded.set_by, set_at = now()",
        public_id,
        new.body,
        new.level.as_str(),
        new.dismissable,
        new.starts_at,
        new.ends_at,
        by
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Removes it, and tells whether there was one.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection) -> sqlx::Result<bool> {
    Ok(sqlx::query!("delete from site_banner").execute(conn).await?.rows_affected() > 0)
}

/// Has all nodes hear of it when the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn notify(conn: &mut PgConnection, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(conn).await.map(|_| ())
}
