//! Statements on discussions that were deleted and can come back for a time.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::repos::discussions::HIDDEN_TITLE;

/// Deletes a discussion, keeps what it was, and keeps its number taken.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection, discussion_pk: i64) -> sqlx::Result<()> {
    // Whoever says something in it waits, and finds it gone.
    sqlx::query!("select discussion_pk from discussions where discussion_pk = $1 for update", discussion_pk)
        .fetch_optional(&mut *conn)
        .await?;
    // What goes with it, in the orders in which moderators and readers hold it.
    sqlx::query!("select event_pk from discussion_events where discussion_pk = $1 order by event_pk for update", discussion_pk)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!(
        "select notification_pk from notifications where discussion_pk = $1 order by user_pk, notification_pk for update",
        discussion_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into deleted_discussions (repo_pk, num, discussion_pk, author_pk, contents)
         select d.repo_pk, d.num, d.discussion_pk, d.author_pk, jsonb_build_object(
             'discussion', to_jsonb(d),
             'events', (select coalesce(jsonb_agg(to_jsonb(e) order by e.event_pk), '[]') from discussion_events e
                        where e.discussion_pk = d.discussion_pk),
             'edits', (select coalesce(jsonb_agg(to_jsonb(o) order by o.edit_pk), '[]')
                       from discussion_edits o join discussion_events e using (event_pk) where e.discussion_pk = d.discussion_pk),
             'reactions', (select coalesce(jsonb_agg(to_jsonb(o)), '[]')
                           from discussion_reactions o join discussion_events e using (event_pk)
                           where e.discussion_pk = d.discussion_pk),
             'uses', (select coalesce(jsonb_agg(to_jsonb(o)), '[]')
                      from attachment_uses o join needed_attachment_uses using (attachment_pk, event_pk)
                      join discussion_events e using (event_pk) where e.discussion_pk = d.discussion_pk),
             'withdrawn', (select coalesce(jsonb_agg(to_jsonb(o)), '[]')
                           from attachment_uses o join discussion_events e using (event_pk)
                           where e.discussion_pk = d.discussion_pk and o.withdrawn),
             'threads', (select coalesce(jsonb_agg(to_jsonb(o)), '[]')
                         from remark_threads o join discussion_events e using (event_pk) where e.discussion_pk = d.discussion_pk),
             'replies', (select coalesce(jsonb_agg(to_jsonb(o)), '[]')
                         from remark_replies o join discussion_events e using (event_pk) where e.discussion_pk = d.discussion_pk),
             'subscriptions', (select coalesce(jsonb_agg(to_jsonb(o)), '[]') from discussion_subscriptions o
                               where o.discussion_pk = d.discussion_pk))
         from discussions d where d.discussion_pk = $1
         on conflict (repo_pk, num) do update
         set discussion_pk = excluded.discussion_pk, author_pk = excluded.author_pk, contents = excluded.contents, deleted_at = now()",
        discussion_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from discussions where discussion_pk = $1", discussion_pk).execute(conn).await.map(|_| ())
}

/// Brings a discussion back as it was, with what is still there of what belonged to it; `false` when it is not kept any more. What
/// moderators decided about it meanwhile holds. To be called under [`crate::db::LockKey::Moderate`].
///
/// # Errors
/// The database does not answer.
pub async fn restore(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        "select num from deleted_discussions where repo_pk = $1 and num = $2 and contents is not null for update",
        repo_pk,
        num
    );
    if held.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    // Webhooks heard of the comments when they were written.
    sqlx::query_scalar!("select set_config('hub.restores_comments', 'on', true)").fetch_one(&mut *conn).await?;
    sqlx::query!(
        "insert into discussions (discussion_pk, repo_pk, num, title, status, author_pk, pinned, locked, base, merge_oid, created_at,
                                  updated_at)
         overriding system value
         select o.discussion_pk, d.repo_pk, d.num, o.title, o.status, (select u.user_pk from users u where u.user_pk = o.author_pk),
                o.pinned, o.locked, o.base, o.merge_oid, o.created_at, o.updated_at
         from deleted_discussions d
         cross join lateral jsonb_populate_record(null::discussions, d.contents -> 'discussion') o
         where d.repo_pk = $1 and d.num = $2",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    restore_events(conn, repo_pk, num).await?;
    restore_remarks(conn, repo_pk, num).await?;
    show_of_restored(conn, repo_pk, num).await?;
    hide_of_standing(conn, repo_pk, num).await?;
    hide_of_banned(conn, repo_pk, num).await?;
    restore_around(conn, repo_pk, num).await?;
    sqlx::query_scalar!("select set_config('hub.restores_comments', '', true)").fetch_one(&mut *conn).await?;
    sqlx::query!("delete from deleted_discussions where repo_pk = $1 and num = $2", repo_pk, num)
        .execute(conn)
        .await
        .map(|_| true)
}

/// What removed accounts said and the hub has forgotten since, is not brought back.
async fn restore_events(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into discussion_events (event_pk, public_id, discussion_pk, author_pk, kind, body, hidden, edited_at, payload, created_at,
                                        kept_body, hidden_at)
         overriding system value
         select o.event_pk, o.public_id, o.discussion_pk, (select u.user_pk from users u where u.user_pk = o.author_pk), o.kind, o.body,
                o.hidden, o.edited_at, o.payload, o.created_at,
                case when o.author_pk is null or exists (select from users u where u.user_pk = o.author_pk) then o.kept_body end,
                o.hidden_at
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::discussion_events, d.contents -> 'events') o
         where d.repo_pk = $1 and d.num = $2 order by o.event_pk",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into discussion_edits (edit_pk, event_pk, author_pk, body, created_at)
         overriding system value
         select o.edit_pk, o.event_pk, (select u.user_pk from users u where u.user_pk = o.author_pk), o.body, o.created_at
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::discussion_edits, d.contents -> 'edits') o
         where d.repo_pk = $1 and d.num = $2
           and not exists (select from moderation_covers c join moderation_acts a using (act_pk)
                           where c.kind = 'comment' and c.pk = o.event_pk and c.body = '' and a.act = 'remove_user')
           and not exists (select from discussion_events e
                           where e.event_pk = o.event_pk and e.author_pk is null and e.kept_body is null
                             and (e.hidden or exists (select from moderation_standing s where s.kind = 'comment' and s.pk = e.event_pk))
                             and not exists (select from moderation_covers c
                                             where c.kind = 'comment' and c.pk = e.event_pk and c.body <> ''))",
        repo_pk,
        num
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Puts comments back at the lines where they stood.
async fn restore_remarks(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into remark_threads (event_pk, path, side, line, commit_oid, old_blob, new_blob, snippet, resolved_at, resolved_by)
         select o.event_pk, o.path, o.side, o.line, o.commit_oid, o.old_blob, o.new_blob, o.snippet, o.resolved_at,
                (select u.user_pk from users u where u.user_pk = o.resolved_by)
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::remark_threads, d.contents -> 'threads') o
         where d.repo_pk = $1 and d.num = $2",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into remark_replies (event_pk, thread_pk)
         select o.event_pk, o.thread_pk
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::remark_replies, d.contents -> 'replies') o
         where d.repo_pk = $1 and d.num = $2",
        repo_pk,
        num
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Shows what moderators had hidden and showed again while it was deleted.
async fn show_of_restored(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events e set hidden = false, body = c.body
         from deleted_discussions d, moderation_covers c join moderation_acts u on u.undoes = c.act_pk
         where d.repo_pk = $1 and d.num = $2 and e.discussion_pk = d.discussion_pk and e.hidden
           and e.kept_body is null and c.kind = 'comment' and c.pk = e.event_pk and u.created_at > d.deleted_at
           and (c.body <> '' or e.author_pk is not null)
           and not exists (select from moderation_standing s where s.kind = 'comment' and s.pk = e.event_pk)",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update discussions o set title = c.body
         from deleted_discussions d, moderation_covers c join moderation_acts u on u.undoes = c.act_pk
         where d.repo_pk = $1 and d.num = $2 and o.discussion_pk = d.discussion_pk and o.title = $3 and c.body <> ''
           and c.kind = 'discussion' and c.pk = d.discussion_pk and u.created_at > d.deleted_at",
        repo_pk,
        num,
        HIDDEN_TITLE
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update discussions o set locked = false
         from deleted_discussions d, moderation_covers c join moderation_acts u on u.undoes = c.act_pk
         where d.repo_pk = $1 and d.num = $2 and o.discussion_pk = d.discussion_pk and o.locked
           and c.kind = 'lock' and c.pk = d.discussion_pk and u.created_at > d.deleted_at",
        repo_pk,
        num
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Hides what acts of moderators cover that stand: those of the time when it was deleted, too.
async fn hide_of_standing(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events e set hidden = true, body = '' from deleted_discussions d
         where d.repo_pk = $1 and d.num = $2 and e.discussion_pk = d.discussion_pk and e.kind = 'comment' and not e.hidden
           and exists (select from moderation_standing s where s.kind = 'comment' and s.pk = e.event_pk)",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update discussions o
         set title = case when exists (select from moderation_standing s where s.kind = 'discussion' and s.pk = o.discussion_pk)
                          then $3 else o.title end,
             locked = o.locked or exists (select from moderation_standing s where s.kind = 'lock' and s.pk = o.discussion_pk)
         from deleted_discussions d where d.repo_pk = $1 and d.num = $2 and o.discussion_pk = d.discussion_pk",
        repo_pk,
        num,
        HIDDEN_TITLE
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Hides what somebody wrote whom moderators banned or removed while it was deleted. What it said is kept with their act.
async fn hide_of_banned(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "with covered as (
             insert into moderation_covers (act_pk, kind, pk, body)
             select a.act_pk, 'comment', e.event_pk, e.body
             from deleted_discussions d
             join discussion_events e on e.discussion_pk = d.discussion_pk and e.kind = 'comment' and not e.hidden
             join moderation_acts a on a.owner_pk = e.author_pk and a.act in ('ban_user', 'remove_user') and a.created_at > d.deleted_at
             where d.repo_pk = $1 and d.num = $2 and not exists (select from moderation_acts u where u.undoes = a.act_pk)
             returning pk
         )
         update discussion_events set hidden = true, body = '' where event_pk in (select pk from covered)",
        repo_pk,
        num
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// What hangs on its events: reactions, subscriptions, and the files that comments lead to.
async fn restore_around(conn: &mut PgConnection, repo_pk: i64, num: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into discussion_reactions (event_pk, user_pk, reaction, created_at)
         select o.event_pk, o.user_pk, o.reaction, o.created_at
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::discussion_reactions, d.contents -> 'reactions') o
         join users u on u.user_pk = o.user_pk
         where d.repo_pk = $1 and d.num = $2",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into discussion_subscriptions (user_pk, discussion_pk, subscribed, set_at)
         select o.user_pk, o.discussion_pk, o.subscribed, o.set_at
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::discussion_subscriptions, d.contents -> 'subscriptions') o
         join users u on u.user_pk = o.user_pk
         where d.repo_pk = $1 and d.num = $2",
        repo_pk,
        num
    )
    .execute(&mut *conn)
    .await?;
    // What comments lead to now, a trigger has noted already.
    sqlx::query!(
        "insert into attachment_uses (attachment_pk, event_pk, withdrawn)
         select o.attachment_pk, o.event_pk, e.hidden
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(
             null::attachment_uses, (d.contents -> 'uses') || coalesce(d.contents -> 'withdrawn', '[]')) o
         join attachments a on a.attachment_pk = o.attachment_pk
         join discussion_events e on e.event_pk = o.event_pk
         where d.repo_pk = $1 and d.num = $2
         on conflict do nothing",
        repo_pk,
        num
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Forgets what some were that were deleted before a time; tells how many. Their numbers stay taken.
///
/// # Errors
/// The database does not answer.
pub async fn forget(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update deleted_discussions set contents = null, author_pk = null
         where (repo_pk, num) in (select repo_pk, num from deleted_discussions
                                  where contents is not null and deleted_at < $1 order by deleted_at limit $2
                                  for update skip locked)",
        before,
        limit
    );
    Ok(done.execute(pool).await?.rows_affected())
}
