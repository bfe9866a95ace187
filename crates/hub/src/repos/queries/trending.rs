//! Statements behind the trending score.

use sqlx::{PgConnection, PgExecutor};

/// What likes and downloads are worth.
#[derive(Debug, Clone, Copy)]
pub struct Worth {
    /// How many days old an account must be for what it likes to count.
    pub account_days: i32,
    /// So many likes of one day count whole.
    pub whole_likes: f64,
    /// So many downloads of one day count whole.
    pub whole_downloads: f64,
}

/// What happened to a repository lately.
#[derive(Debug, Clone)]
pub struct ActivityRow {
    /// The repository.
    pub repo_pk: i64,
    /// The score that lists have.
    pub trending: i64,
    /// The downloads that lists have.
    pub downloads: i64,
    /// Downloads of the last 30 days.
    pub recent_downloads: i64,
    /// Likes of the last 28 days that count.
    pub recent_likes: i64,
    /// The same, each worth half after every 7 days.
    pub weighted_likes: f64,
    /// The same, and of many on one day only a part.
    pub damped_likes: f64,
    /// Likes of the last 28 days by accounts that were too young.
    pub young_likes: i64,
    /// Likes of the last 28 days by the owner, its members and who made it.
    pub own_likes: i64,
    /// Likes of the last 28 days by service accounts, and by those that are suspended or limited.
    pub barred_likes: i64,
    /// The likes that lists have: of the last 7, 30 and 90 days.
    pub likes: [i64; 3],
    /// The same, as they are now.
    pub counted_likes: [i64; 3],
    /// Downloads of the last 28 days.
    pub scored_downloads: i64,
    /// The same, each worth half after every 7 days.
    pub weighted_downloads: f64,
    /// The same, and of many on one day only a part.
    pub damped_downloads: f64,
    /// How old it is, in days.
    pub age_days: f64,
}

/// A repository with new numbers.
#[derive(Debug, Clone, Copy)]
pub struct CountedRow {
    /// The repository.
    pub repo_pk: i64,
    /// Its score.
    pub trending: i64,
    /// Its downloads of the last 30 days.
    pub downloads: i64,
    /// Its likes of the last 7, 30 and 90 days.
    pub likes: [i64; 3],
}

/// The keys of the next repositories after a key that have, had or should have a score.
///
/// # Errors
/// The database does not answer.
pub async fn list_active_keys(conn: &mut PgConnection, after: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select c.repo_pk from repo_counters c join repos r using (repo_pk)
         where c.repo_pk > $1 and (c.trending > 0 or c.downloads > 0 or c.likes > 0 or c.likes_90d > 0 or r.created_at > now() - interval '28 days')
         order by c.repo_pk limit $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What happened to these repositories.
///
/// # Errors
/// The database does not answer.
pub async fn list_activity(conn: impl PgExecutor<'_>, repo_pks: &[i64], worth: Worth) -> sqlx::Result<Vec<ActivityRow>> {
    let found = sqlx::query!(
        r#"select c.repo_pk, c.trending, c.downloads, c.likes_7d, c.likes_30d, c.likes_90d,
                  a.last_7d as "last_7d!", a.last_30d as "last_30d!", a.last_90d as "last_90d!",
                  d.recent as "recent_downloads!", l.recent as "recent_likes!",
                  l.weighted as "weighted_likes!", l.damped as "damped_likes!", l.young as "young_likes!", l.own as "own_likes!",
                  l.barred as "barred_likes!", d.scored as "scored_downloads!", d.weighted as "weighted_downloads!",
                  d.damped as "damped_downloads!",
                  (extract(epoch from now() - r.created_at) / 86400)::float8 as "age_days!"
           from repo_counters c join repos r using (repo_pk)
           cross join lateral (
               select count(*) filter (where created_at > now() - interval '7 days') as last_7d,
                      count(*) filter (where created_at > now() - interval '30 days') as last_30d, count(*) as last_90d
               from likes where likes.repo_pk = c.repo_pk and created_at > now() - interval '90 days'
           ) a
           cross join lateral (
               select coalesce(sum(counted), 0)::bigint as recent, coalesce(sum(weighted), 0)::float8 as weighted,
                      coalesce(sum(case when counted > $3 then weighted * $3 * (1 + ln(counted / $3)) / counted else weighted end), 0)::float8 as damped,
                      coalesce(sum(young), 0)::bigint as young, coalesce(sum(own), 0)::bigint as own,
                      coalesce(sum(barred), 0)::bigint as barred
               from (
                   select count(*) filter (where why = 'counted')::float8 as counted,
                          coalesce(sum(power(0.5, extract(epoch from now() - since)::float8 / 604800)) filter (where why = 'counted'), 0) as weighted,
                          count(*) filter (where why = 'young') as young, count(*) filter (where why = 'own') as own,
                          count(*) filter (where why = 'barred') as barred
                   from (
                       select k.created_at as since, case
                           when k.user_pk = r.namespace_pk or k.user_pk = r.created_by or m.user_pk is not null then 'own'
                           when u.suspended_at is not null or u.limited_at is not null or u.service_of is not null then 'barred'
                           when k.created_at < n.created_at + make_interval(days => $2) then 'young'
                           else 'counted' end as why
                       from likes k join users u using (user_pk) join namespaces n on n.namespace_pk = k.user_pk
                       left join organization_members m on m.organization_pk = r.namespace_pk and m.user_pk = k.user_pk
                       where k.repo_pk = c.repo_pk and k.created_at > now() - interval '28 days'
                   ) one
                   group by (since at time zone 'utc')::date
               ) days
           ) l
           cross join lateral (
               select coalesce(sum(downloads), 0)::bigint as recent, coalesce(sum(scored), 0)::bigint as scored,
                      coalesce(sum(weighted), 0)::float8 as weighted,
                      coalesce(sum(case when scored > $4 then weighted * $4 * (1 + ln(scored / $4)) / scored else weighted end), 0)::float8 as damped
               from (
                   select sum(downloads) as downloads, coalesce(sum(downloads) filter (where is_scored), 0)::float8 as scored,
                          coalesce(sum(downloads * power(0.5, extract(epoch from now() - hour)::float8 / 604800)) filter (where is_scored), 0)::float8
                              as weighted
                   from (
                       select hour, h.downloads, hour > now() - interval '28 days' as is_scored
                       from download_hours h where h.repo_pk = c.repo_pk and hour > now() - interval '30 days'
                   ) one
                   group by (hour at time zone 'utc')::date
               ) days
           ) d
           where c.repo_pk = any($1)"#,
        repo_pks,
        worth.account_days,
        worth.whole_likes,
        worth.whole_downloads
    )
    .fetch_all(conn)
    .await?;
    let rows = found.into_iter().map(|row| ActivityRow {
        repo_pk: row.repo_pk,
        trending: row.trending,
        downloads: row.downloads,
        recent_downloads: row.recent_downloads,
        recent_likes: row.recent_likes,
        weighted_likes: row.weighted_likes,
        damped_likes: row.damped_likes,
        young_likes: row.young_likes,
        own_likes: row.own_likes,
        barred_likes: row.barred_likes,
        likes: [row.likes_7d, row.likes_30d, row.likes_90d],
        counted_likes: [row.last_7d, row.last_30d, row.last_90d],
        scored_downloads: row.scored_downloads,
        weighted_downloads: row.weighted_downloads,
        damped_downloads: row.damped_downloads,
        age_days: row.age_days,
    });
    Ok(rows.collect())
}

/// Writes new numbers.
///
/// # Errors
/// The database does not answer.
pub async fn update_counted(conn: &mut PgConnection, rows: &[CountedRow]) -> sqlx::Result<()> {
    let repo_pks: Vec<i64> = rows.iter().map(|row| row.repo_pk).collect();
    let trending: Vec<i64> = rows.iter().map(|row| row.trending).collect();
    let downloads: Vec<i64> = rows.iter().map(|row| row.downloads).collect();
    let likes_7d: Vec<i64> = rows.iter().map(|row| row.likes[0]).collect();
    let likes_30d: Vec<i64> = rows.iter().map(|row| row.likes[1]).collect();
    let likes_90d: Vec<i64> = rows.iter().map(|row| row.likes[2]).collect();
    sqlx::query!(
        "update repo_counters c set trending = n.trending, downloads = n.downloads,
                likes_7d = n.likes_7d, likes_30d = n.likes_30d, likes_90d = n.likes_90d
         from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
             as n (repo_pk, trending, downloads, likes_7d, likes_30d, likes_90d) where c.repo_pk = n.repo_pk",
        &repo_pks,
        &trending,
        &downloads,
        &likes_7d,
        &likes_30d,
        &likes_90d
    )
    .execute(conn)
    .await
    .map(|_| ())
}
