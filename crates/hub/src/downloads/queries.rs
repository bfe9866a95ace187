//! Every statement on what was downloaded.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};

/// Transfers as columns, for one statement.
#[derive(Debug, Default)]
pub struct SeenColumns {
    days: Vec<NaiveDate>,
    repo_pks: Vec<i64>,
    clients: Vec<Vec<u8>>,
    hours: Vec<DateTime<Utc>>,
}

impl SeenColumns {
    /// Adds a transfer.
    pub fn push(&mut self, day: NaiveDate, repo_pk: i64, client: Vec<u8>, hour: DateTime<Utc>) {
        self.days.push(day);
        self.repo_pks.push(repo_pk);
        self.clients.push(client);
        self.hours.push(hour);
    }
}

/// Downloads of a repository in an hour.
#[derive(Debug)]
pub struct HourRow {
    /// The repository.
    pub repo_pk: i64,
    /// The hour.
    pub hour: DateTime<Utc>,
    /// How many.
    pub downloads: i64,
}

/// The key of a day, which is `fresh` if it had none.
///
/// # Errors
/// The database does not answer.
pub async fn key_of_day(conn: &mut PgConnection, day: NaiveDate, fresh: &[u8; 32]) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!(
        "insert into download_keys (day, key) values ($1, $2) on conflict (day) do update set key = download_keys.key returning key",
        day,
        fresh.as_slice()
    )
    .fetch_one(conn)
    .await
}

/// Notes who was there, and counts those who were not there before on their day.
///
/// # Errors
/// The database does not answer.
pub async fn insert_clients(conn: &mut PgConnection, seen: &SeenColumns) -> sqlx::Result<Vec<HourRow>> {
    sqlx::query_as!(
        HourRow,
        r#"with seen as (
               select * from unnest($1::date[], $2::bigint[], $3::bytea[], $4::timestamptz[]) as seen (day, repo_pk, client, hour)
           ), fresh as (
               insert into download_clients (day, repo_pk, client) select day, repo_pk, client from seen
               on conflict do nothing returning day, repo_pk, client
           )
           select repo_pk as "repo_pk!", hour as "hour!", count(*) as "downloads!"
           from fresh join seen using (day, repo_pk, client) group by repo_pk, hour"#,
        &seen.days,
        &seen.repo_pks,
        &seen.clients,
        &seen.hours
    )
    .fetch_all(conn)
    .await
}

/// Adds downloads and requests to the hours and to the repositories' numbers. Repositories that are gone are left out.
///
/// # Errors
/// The database does not answer.
pub async fn add_to_hours(conn: &mut PgConnection, counts: &HashMap<(i64, DateTime<Utc>), (i64, i64)>) -> sqlx::Result<()> {
    let repo_pks: Vec<i64> = counts.keys().map(|(repo_pk, _)| *repo_pk).collect();
    let hours: Vec<DateTime<Utc>> = counts.keys().map(|(_, hour)| *hour).collect();
    let downloads: Vec<i64> = counts.values().map(|(downloads, _)| *downloads).collect();
    let requests: Vec<i64> = counts.values().map(|(_, requests)| *requests).collect();
    sqlx::query!(
        "insert into download_hours (repo_pk, hour, downloads, requests)
         select c.* from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[]) as c (repo_pk, hour, downloads, requests)
         where exists (select 1 from repos r where r.repo_pk = c.repo_pk)
         on conflict (repo_pk, hour) do update
         set downloads = download_hours.downloads + excluded.downloads, requests = download_hours.requests + excluded.requests",
        &repo_pks,
        &hours,
        &downloads,
        &requests
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update repo_counters c set downloads = c.downloads + n.downloads, downloads_all_time = c.downloads_all_time + n.downloads
         from (select repo_pk, sum(downloads)::bigint as downloads from unnest($1::bigint[], $2::bigint[]) as t (repo_pk, downloads)
               group by repo_pk) n
         where c.repo_pk = n.repo_pk and n.downloads > 0",
        &repo_pks,
        &downloads
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// What was downloaded on a day.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// Downloads.
    pub downloads: i64,
    /// Requests.
    pub requests: i64,
}

/// The last days of a repository, the oldest first; days without anything are left out.
///
/// # Errors
/// The database does not answer.
pub async fn list_days(pool: &PgPool, repo_pk: i64, since: NaiveDate) -> sqlx::Result<Vec<DayRow>> {
    sqlx::query_as!(
        DayRow,
        r#"select (hour at time zone 'utc')::date as "day!", sum(downloads)::bigint as "downloads!", sum(requests)::bigint as "requests!"
           from download_hours where repo_pk = $1 and hour >= $2::date::timestamp at time zone 'utc' group by 1 order by 1"#,
        repo_pk,
        since
    )
    .fetch_all(pool)
    .await
}

/// Forgets clients and keys of past days, and hours older than 60 days.
///
/// # Errors
/// The database does not answer.
pub async fn delete_old(pool: &PgPool) -> sqlx::Result<()> {
    // What another node counted yesterday may come a little late.
    sqlx::query!("delete from download_keys where day < (now() at time zone 'utc' - interval '1 hour')::date")
        .execute(pool)
        .await?;
    sqlx::query!("delete from download_clients where day < (now() at time zone 'utc' - interval '1 hour')::date")
        .execute(pool)
        .await?;
    sqlx::query!("delete from download_hours where hour < now() - interval '60 days'").execute(pool).await.map(|_| ())
}
