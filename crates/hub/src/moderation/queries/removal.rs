//! Repositories, and accounts with all they made, that are removed: what goes, how it comes back, and what is forgotten in the end.

use sqlx::{PgConnection, PgPool};

use super::deleted;
use crate::accounts::UserPk;
use crate::repos::discussions::HIDDEN_TITLE;

/// Deletes what a user or organisation has; it can be restored as long as any deleted repository.
///
/// # Errors
/// The database does not answer.
pub async fn delete_repos(conn: &mut PgConnection, act_pk: i64, namespace_pk: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with found as (
             select repo_pk from repos
             where namespace_pk = $2
               and (deleted_at is null
                    or exists (select from moderation_standing s where s.kind = 'deleted' and s.pk = repo_pk and s.body = ''))
             order by repo_pk for no key update
         ), covered as (
             insert into moderation_covers (act_pk, kind, pk) select $1, 'deleted', repo_pk from found
         )
         update repos r set deleted_at = coalesce(deleted_at, now()) from found where r.repo_pk = found.repo_pk",
        act_pk,
        namespace_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Deletes a repository. One that its owner deleted before is covered, too, and stays deleted when the act is taken back.
///
/// # Errors
/// The database does not answer.
pub async fn delete_repo(conn: &mut PgConnection, act_pk: i64, repo_pk: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with found as (
             select repo_pk,
                    deleted_at is not null
                    and not exists (select from moderation_standing s where s.kind = 'deleted' and s.pk = repo_pk and s.body = '')
                    as was_deleted
             from repos where repo_pk = $2 and purged_at is null for no key update
         ), covered as (
             insert into moderation_covers (act_pk, kind, pk, body)
             select $1, 'deleted', repo_pk, case when was_deleted then 'before' else '' end from found
         )
         update repos r set deleted_at = coalesce(deleted_at, now()) from found where r.repo_pk = found.repo_pk",
        act_pk,
        repo_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Locks the discussions that a user opened, and takes their titles away.
///
/// # Errors
/// The database does not answer.
pub async fn hide_discussions(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    let found = sqlx::query_scalar!(
        "select discussion_pk from discussions where author_pk = $1 order by discussion_pk for update",
        user_pk
    );
    let found = found.fetch_all(&mut *conn).await?;
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk)
         select $1, 'lock', discussion_pk from discussions
         where discussion_pk = any($2)
           and (not locked or exists (select from moderation_standing where kind = 'lock' and pk = discussion_pk))",
        act_pk,
        &found
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'discussion', discussion_pk, coalesce(
             (select body from moderation_standing where kind = 'discussion' and pk = discussion_pk limit 1), title)
         from discussions where discussion_pk = any($2)",
        act_pk,
        &found
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update discussions set title = $2, locked = true where discussion_pk = any($1)", &found, HIDDEN_TITLE)
        .execute(&mut *conn)
        .await?;
    deleted::cover_locks(&mut *conn, act_pk, None, Some(user_pk)).await?;
    deleted::cover_titles(conn, act_pk, None, Some(user_pk)).await.map(|_| ())
}

/// Empties a user's page but for the name, also of a deleted service account that can come back; what was there is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn empty_profile(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'profile', user_pk, coalesce(
             (select body from moderation_standing where kind = 'profile' and pk = user_pk limit 1),
             jsonb_build_object('fullname', fullname, 'details', details, 'homepage', homepage, 'links', to_jsonb(links))::text)
         from users where user_pk = $2",
        act_pk,
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update users set fullname = '', details = '', homepage = '', links = '{}' where user_pk = $1", user_pk)
        .execute(&mut *conn)
        .await?;
    deleted::empty_profile(&mut *conn, act_pk, user_pk).await?;
    take_picture(conn, act_pk, user_pk).await
}

/// Takes the picture of a user or organisation away; it is kept with the act.
///
/// # Errors
/// The database does not answer.
pub(super) async fn take_picture(conn: &mut PgConnection, act_pk: i64, namespace_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'picture', $2, coalesce(
             (select body from moderation_standing where kind = 'picture' and pk = $2 limit 1),
             (select version || ' ' || encode(content, 'base64') from pictures where namespace_pk = $2), '')",
        act_pk,
        namespace_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from pictures where namespace_pk = $1", namespace_pk).execute(conn).await.map(|_| ())
}

/// Restores repositories that an act deleted; of several of one name the one that was made last. The caller holds them.
///
/// # Errors
/// The database does not answer.
pub async fn restore_repos(conn: &mut PgConnection, repo_pks: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos r set deleted_at = null
         where repo_pk = any($1) and deleted_at is not null and purged_at is null
           and not exists (select from repos o where o.repo_type = r.repo_type and o.namespace_pk = r.namespace_pk
                           and lower(o.name) = lower(r.name)
                           and (o.deleted_at is null or (o.repo_pk = any($1) and o.repo_pk > r.repo_pk and o.purged_at is null)))
           and not exists (select from namespaces n where n.namespace_pk = r.namespace_pk and n.kind = 'deleted')",
        repo_pks
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Fills a page again that an act emptied.
///
/// # Errors
/// The database does not answer.
pub async fn restore_profiles(
    conn: &mut PgConnection,
    act_pk: i64,
    profiles: &[UserPk],
    pictures: &[UserPk],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users u set fullname = c.was ->> 'fullname', details = c.was ->> 'details', homepage = c.was ->> 'homepage',
                links = array(select jsonb_array_elements_text(c.was -> 'links'))
         from (select pk, nullif(body, '')::jsonb as was from moderation_covers
               where act_pk = $1 and kind = 'profile' and pk = any($2)) c
         where u.user_pk = c.pk and c.was is not null",
        act_pk,
        profiles
    )
    .execute(&mut *conn)
    .await?;
    deleted::restore_profiles(&mut *conn, act_pk, profiles).await?;
    sqlx::query!(
        "insert into pictures (namespace_pk, version, content)
         select pk, left(body, 16), decode(substr(body, 18), 'base64') from moderation_covers
         where act_pk = $1 and kind = 'picture' and pk = any($2) and body <> ''
         on conflict (namespace_pk) do nothing",
        act_pk,
        pictures
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The open cases about what somebody has.
///
/// # Errors
/// The database does not answer.
pub async fn list_open_cases(conn: &mut PgConnection, owner_pk: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select case_pk from moderation_cases where owner_pk = $1 and closed_at is null order by case_pk limit $2",
        owner_pk,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Forgets what removed accounts said, when it is too late to bring them back.
///
/// # Errors
/// The database does not answer.
pub async fn forget(pool: &PgPool, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with forgotten as (
             update moderation_covers c set body = '' from moderation_acts a
             where a.act_pk = c.act_pk and a.act in ('remove_user', 'remove_organization') and a.created_at < now() - make_interval(days => $1)
               and c.body <> '' and not exists (select from moderation_acts u where u.undoes = a.act_pk)
             returning c.kind, c.pk
         )
         delete from discussion_edits e using forgotten f where f.kind = 'comment' and e.event_pk = f.pk",
        days
    );
    Ok(done.execute(pool).await?.rows_affected())
}
