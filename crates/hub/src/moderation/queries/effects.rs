//! What acts do, and how that is taken back. What an act covers is in `moderation_covers`; each function gives how much it changed.
//! They run one after the other: whoever calls them has the moderators' lock.

use sqlx::PgConnection;

use crate::accounts::UserPk;

/// Which comments.
#[derive(Debug, Clone, Copy)]
pub enum Comments {
    /// One.
    One(i64),
    /// What who opened a discussion wrote there.
    OfOpener(i64),
    /// All that somebody wrote.
    By(UserPk),
}

/// Whether somebody runs or moderates the hub.
///
/// # Errors
/// The database does not answer.
pub async fn has_role(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    let row =
        sqlx::query_scalar!("select user_pk from users where user_pk = $1 and (is_admin or is_moderator) for share", user_pk);
    Ok(row.fetch_optional(conn).await?.is_some())
}

/// Hides comments; what they said is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn hide_comments(conn: &mut PgConnection, act_pk: i64, which: Comments) -> sqlx::Result<u64> {
    let found = match which {
        Comments::One(event_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events where event_pk = $1 and kind = 'comment' and not hidden for update",
                event_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Comments::OfOpener(discussion_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events e join discussions d using (discussion_pk)
                 where discussion_pk = $1 and e.author_pk = d.author_pk and kind = 'comment' and not hidden
                 order by event_pk for update of e",
                discussion_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Comments::By(author_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events where author_pk = $1 and kind = 'comment' and not hidden
                 order by event_pk for update",
                author_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'comment', event_pk, body from discussion_events where event_pk = any($2)",
        act_pk,
        &found
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!("update discussion_events set hidden = true, body = '' where event_pk = any($1)", &found);
    Ok(done.execute(conn).await?.rows_affected())
}

/// Locks a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn lock_discussion(conn: &mut PgConnection, act_pk: i64, discussion_pk: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!("update discussions set locked = true where discussion_pk = $1 and not locked", discussion_pk)
        .execute(&mut *conn);
    let done = done.await?.rows_affected();
    cover(conn, act_pk, "lock", if done > 0 { vec![discussion_pk] } else { Vec::new() }).await?;
    Ok(done)
}

/// Locks a discussion and takes its title away, which is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn hide_discussion(conn: &mut PgConnection, act_pk: i64, discussion_pk: i64) -> sqlx::Result<u64> {
    lock_discussion(conn, act_pk, discussion_pk).await?;
    let done = sqlx::query!(
        "with found as (select discussion_pk, title from discussions where discussion_pk = $2 for update),
         covered as (insert into moderation_covers (act_pk, kind, pk, body) select $1, 'discussion', discussion_pk, title from found)
         update discussions d set title = 'Hidden by the moderators' from found where d.discussion_pk = found.discussion_pk",
        act_pk,
        discussion_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Disables a repository.
///
/// # Errors
/// The database does not answer.
pub async fn disable_repo(conn: &mut PgConnection, act_pk: i64, repo_pk: i64) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("update repos set disabled = true where repo_pk = $1 and not disabled and deleted_at is null", repo_pk);
    let done = done.execute(&mut *conn).await?.rows_affected();
    cover(conn, act_pk, "repo", if done > 0 { vec![repo_pk] } else { Vec::new() }).await?;
    Ok(done)
}

/// Disables all that a user or organisation has; gives how many there are.
///
/// # Errors
/// The database does not answer.
pub async fn disable_repos(conn: &mut PgConnection, act_pk: i64, namespace_pk: i64) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!(
        "select repo_pk from repos where namespace_pk = $1 and deleted_at is null order by repo_pk for update",
        namespace_pk
    );
    let found = found.fetch_all(&mut *conn).await?;
    sqlx::query!("update repos set disabled = true where repo_pk = any($1) and not disabled", &found).execute(&mut *conn).await?;
    let count = found.len();
    cover(conn, act_pk, "repo", found).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Hides a collection, or all of a user or organisation; whether it was private is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn hide_collections(
    conn: &mut PgConnection,
    act_pk: i64,
    collection_pk: Option<i64>,
    namespace_pk: Option<i64>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with found as (
             select collection_pk, private from collections
             where (collection_pk = $2 or namespace_pk = $3) and hidden_at is null order by collection_pk for update
         ), covered as (
             insert into moderation_covers (act_pk, kind, pk, body)
             select $1, 'collection', collection_pk, case when private then 'private' else 'public' end from found
         )
         update collections c set hidden_at = now() from found where c.collection_pk = found.collection_pk",
        act_pk,
        collection_pk,
        namespace_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Suspends a user: sessions end, and tokens are refused.
///
/// # Errors
/// The database does not answer.
pub async fn suspend(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<u64> {
    let found =
        sqlx::query_scalar!("select user_pk from users where user_pk = $1 for update", user_pk).fetch_all(&mut *conn).await?;
    sqlx::query!("update users set suspended_at = coalesce(suspended_at, now()) where user_pk = $1", user_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from sessions where user_pk = $1", user_pk).execute(&mut *conn).await?;
    let count = found.len();
    cover(conn, act_pk, "user", found).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

async fn cover(conn: &mut PgConnection, act_pk: i64, kind: &str, pks: Vec<i64>) -> sqlx::Result<()> {
    sqlx::query!("insert into moderation_covers (act_pk, kind, pk) select $1, $2, unnest($3::bigint[])", act_pk, kind, &pks)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Puts back what an act covers, but for what another act covers that stands. The act itself counts as taken back already.
///
/// # Errors
/// The database does not answer.
pub async fn uncover(conn: &mut PgConnection, act_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update discussion_events e set hidden = false, body = c.body from moderation_covers c
         where c.act_pk = $1 and c.kind = 'comment' and e.event_pk = c.pk and e.hidden",
        act_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update discussions d set title = c.body from moderation_covers c
         where c.act_pk = $1 and c.kind = 'discussion' and d.discussion_pk = c.pk and d.title = 'Hidden by the moderators'",
        act_pk
    )
    .execute(&mut *conn)
    .await?;
    let free = sqlx::query!(
        "select kind, pk, body from moderation_covers c
         where act_pk = $1 and kind in ('repo', 'user', 'collection', 'lock')
           and not exists (select from moderation_covers o
                           where o.kind = c.kind and o.pk = c.pk and o.act_pk <> c.act_pk
                             and not exists (select from moderation_acts u where u.undoes = o.act_pk))",
        act_pk
    );
    let free = free.fetch_all(&mut *conn).await?;
    let of = |kind: &str, body: &str| -> Vec<i64> {
        free.iter().filter(|row| row.kind == kind && (body.is_empty() || row.body == body)).map(|row| row.pk).collect()
    };
    sqlx::query!("update repos set disabled = false where repo_pk = any($1)", &of("repo", "")).execute(&mut *conn).await?;
    sqlx::query!("update users set suspended_at = null where user_pk = any($1)", &of("user", "")).execute(&mut *conn).await?;
    sqlx::query!("update discussions set locked = false where discussion_pk = any($1)", &of("lock", ""))
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update collections set hidden_at = null, private = not collection_pk = any($2) where collection_pk = any($1)",
        &of("collection", ""),
        &of("collection", "public")
    )
    .execute(conn)
    .await
    .map(|_| ())
}
