//! Whom a recall concerns, and telling them.

use sqlx::{PgConnection, PgPool};

/// Notes for everybody with an account who fetched what a recall is of, where it holds, that it concerns them. Not for who opened it.
///
/// Small files are in packs of git, too: whoever was sent one of a repository that has or had the file may have it. What a service
/// account fetched concerns those who administer its organisation: nobody reads its inbox. Of several ways the nearest is noted.
pub(in crate::recalls) async fn gather(conn: &mut PgConnection, recall_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recall_told (recall_pk, user_pk, service_pk, by_git)
         with files as (
             select c.repo_pk, c.everywhere, t.content, t.repo_pk as seen_in
             from recalls c join recall_files t using (recall_pk) where c.recall_pk = $1 and c.withdrawn_at is null
         ), places as (
             select coalesce(f.repo_pk, f.seen_in) as repo_pk from files f where octet_length(f.content) = 20
             union
             select b.repo_pk from files f join repo_scanned_blobs b on b.blob = f.content where f.everywhere
             union
             select l.repo_pk from files f join fetches l on l.content = f.content where f.everywhere and octet_length(f.content) = 20
             union
             select a.repo_pk from files f join anonymous_fetches a on a.content = f.content
             where f.everywhere and octet_length(f.content) = 20
         ), fetchers as (
             select l.user_pk, false as by_git from files f join fetches l on l.content = f.content
             where f.everywhere or l.repo_pk = f.repo_pk
             union
             select g.user_pk, true from places p join git_fetches g on g.repo_pk = p.repo_pk
         ), people as (
             select u.user_pk, null::bigint as service_pk, f.by_git from fetchers f join users u on u.user_pk = f.user_pk
             where u.service_of is null
             union all
             select m.user_pk, u.user_pk, f.by_git from fetchers f join users u on u.user_pk = f.user_pk
             join organization_members m on m.organization_pk = u.service_of
             where m.role = 'admin' and not is_locked_out(m.organization_pk, m.user_pk)
         )
         select distinct on (p.user_pk) c.recall_pk, p.user_pk, p.service_pk, p.by_git
         from recalls c cross join people p
         where c.recall_pk = $1 and p.user_pk is distinct from c.author_pk
         order by p.user_pk, p.service_pk nulls first, p.by_git
         on conflict do nothing",
        recall_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Whether a recall stands; `None` when it is gone. It is not withdrawn before the transaction ends.
pub(in crate::recalls) async fn hold(conn: &mut PgConnection, recall_pk: i64) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(r#"select withdrawn_at is null as "stands!" from recalls where recall_pk = $1 for share"#, recall_pk)
        .fetch_optional(conn)
        .await
}

/// How many seconds are left of the first `secs` of a recall that stands.
pub(in crate::recalls) async fn left_of(conn: &mut PgConnection, recall_pk: i64, secs: f64) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        r#"select extract(epoch from created_at + make_interval(secs => $2) - now())::float8 as "left!"
           from recalls where recall_pk = $1 and withdrawn_at is null and created_at > now() - make_interval(secs => $2)"#,
        recall_pk,
        secs
    )
    .fetch_optional(conn)
    .await
}

/// Somebody who is told.
#[derive(Debug)]
pub(in crate::recalls) struct ToldRow {
    pub user_pk: i64,
    /// Whether a mail tells them, too: whose address is not confirmed gets none.
    pub mail: bool,
}

/// Tells the next people whom a recall concerns, in the order of their keys, and gives those. Who is told in another transaction
/// is waited for.
pub(in crate::recalls) async fn tell_next(
    conn: &mut PgConnection,
    recall_pk: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<ToldRow>> {
    sqlx::query_as!(
        ToldRow,
        r#"with next as (
               select user_pk from recall_told where recall_pk = $1 and user_pk > $2 and not told order by user_pk limit $3 for update
           ), told as (
               update recall_told t set told = true from next where t.recall_pk = $1 and t.user_pk = next.user_pk returning t.user_pk
           )
           insert into notifications (user_pk, recall_pk, about, reason, mail_due_at)
           select u.user_pk, $1, 'recall', 3, case when u.email_confirmed_at is not null then now() end
           from told join users u on u.user_pk = told.user_pk order by u.user_pk
           on conflict (recall_pk, user_pk) where recall_pk is not null do nothing
           returning user_pk, mail_due_at is not null as "mail!""#,
        recall_pk,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The same of its end, for those who were told of it.
pub(in crate::recalls) async fn tell_next_of_end(
    conn: &mut PgConnection,
    recall_pk: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<ToldRow>> {
    sqlx::query_as!(
        ToldRow,
        r#"with next as (
               select user_pk from recall_told where recall_pk = $1 and user_pk > $2 and told and not told_of_end
               order by user_pk limit $3 for update
           ), told as (
               update recall_told t set told_of_end = true from next where t.recall_pk = $1 and t.user_pk = next.user_pk
               returning t.user_pk
           )
           insert into notifications as n (user_pk, recall_pk, about, reason, last_event_pk, mail_due_at)
           select u.user_pk, $1, 'recall_withdrawn', 3, 1, case when u.email_confirmed_at is not null then now() end
           from told join users u on u.user_pk = told.user_pk order by u.user_pk
           on conflict (recall_pk, user_pk) where recall_pk is not null do update
           set about = 'recall_withdrawn', unread = true, last_event_pk = 1, updated_at = now(),
               mail_due_at = excluded.mail_due_at
           returning n.user_pk, n.mail_due_at is not null as "mail!""#,
        recall_pk,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many people a recall concerns, and how often those without an account fetched what it is of.
pub(in crate::recalls) async fn count(pool: &PgPool, recall_pk: i64) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select (select count(*) from recall_told where recall_pk = $1 and told) as "people!",
                  (select coalesce(sum(a.times), 0)::bigint
                   from recalls c join recall_files t using (recall_pk) join anonymous_fetches a on a.content = t.content
                   where c.recall_pk = $1 and (c.everywhere or a.repo_pk = c.repo_pk)) as "anonymous!""#,
        recall_pk
    )
    .fetch_one(pool)
    .await?;
    Ok((row.people, row.anonymous))
}

/// Whether a recall was told to somebody: they may read it for ever.
pub(in crate::recalls) async fn was_told(pool: &PgPool, recall_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from recall_told where recall_pk = $1 and user_pk = $2 and told) as "told!""#,
        recall_pk,
        user_pk
    )
    .fetch_one(pool)
    .await
}

/// The recalls of the last day that stand.
pub(in crate::recalls) async fn list_recent(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select recall_pk from recalls where created_at > now() - interval '1 day' and withdrawn_at is null
         order by recall_pk desc limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}
