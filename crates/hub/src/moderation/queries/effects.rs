//! What acts do, and how that is taken back. What an act covers is in `moderation_covers`; each function gives how much it changed.
//! They run one after the other: whoever calls them has the moderators' lock.

use sqlx::PgConnection;

use super::{deleted, organizations, removal};
use crate::accounts::UserPk;
use crate::accounts::queries::sessions::delete_other_sessions_in;
use crate::repos::discussions::HIDDEN_TITLE;

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

/// Hides comments; what they said is kept with the act. What another act hid is covered by this one, too, and what those hid who may
/// write to a repository; what people hid for good is not. Those of deleted discussions are hidden when these come back.
///
/// # Errors
/// The database does not answer.
pub async fn hide_comments(conn: &mut PgConnection, act_pk: i64, which: Comments) -> sqlx::Result<u64> {
    let found = match which {
        Comments::One(event_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events where event_pk = $1 and kind = 'comment' for update",
                event_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Comments::OfOpener(discussion_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events e join discussions d using (discussion_pk)
                 where discussion_pk = $1 and e.author_pk = d.author_pk and kind = 'comment'
                 order by event_pk for update of e",
                discussion_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Comments::By(author_pk) => {
            sqlx::query_scalar!(
                "select event_pk from discussion_events where author_pk = $1 and kind = 'comment'
                 order by event_pk for update",
                author_pk
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    let covered = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'comment', event_pk, case when e.hidden then coalesce(e.kept_body, s.body) else e.body end
         from discussion_events e left join lateral (
             select body from moderation_standing where kind = 'comment' and pk = e.event_pk limit 1) s on e.hidden
         where event_pk = any($2) and (not e.hidden or s.body is not null or e.kept_body is not null)",
        act_pk,
        &found
    );
    let covered = covered.execute(&mut *conn).await?.rows_affected();
    sqlx::query!("update discussion_events set hidden = true, body = '' where event_pk = any($1) and not hidden", &found)
        .execute(&mut *conn)
        .await?;
    match which {
        Comments::One(_) | Comments::OfOpener(_) if !found.is_empty() => Ok(covered),
        _ => Ok(covered + deleted::cover_comments(conn, act_pk, which).await?),
    }
}

/// Locks a discussion. One that another act locked is covered by this one, too.
///
/// # Errors
/// The database does not answer.
pub async fn lock_discussion(conn: &mut PgConnection, act_pk: i64, discussion_pk: i64) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!(
        "select discussion_pk from discussions
         where discussion_pk = $1
           and (not locked or exists (select from moderation_standing where kind = 'lock' and pk = discussion_pk))
         for update",
        discussion_pk
    );
    let found = found.fetch_all(&mut *conn).await?;
    sqlx::query!("update discussions set locked = true where discussion_pk = any($1) and not locked", &found)
        .execute(&mut *conn)
        .await?;
    let covered = cover(&mut *conn, act_pk, "lock", found).await?;
    Ok(covered + deleted::cover_locks(conn, act_pk, Some(discussion_pk), None).await?)
}

/// Locks a discussion and takes its title away, which is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn hide_discussion(conn: &mut PgConnection, act_pk: i64, discussion_pk: i64) -> sqlx::Result<u64> {
    lock_discussion(conn, act_pk, discussion_pk).await?;
    sqlx::query!("select discussion_pk from discussions where discussion_pk = $1 for update", discussion_pk)
        .fetch_optional(&mut *conn)
        .await?;
    let covered = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'discussion', discussion_pk, coalesce(
             (select body from moderation_standing where kind = 'discussion' and pk = discussion_pk limit 1), title)
         from discussions where discussion_pk = $2",
        act_pk,
        discussion_pk
    );
    let covered = covered.execute(&mut *conn).await?.rows_affected();
    sqlx::query!("update discussions set title = $2 where discussion_pk = $1", discussion_pk, HIDDEN_TITLE)
        .execute(&mut *conn)
        .await?;
    Ok(covered + deleted::cover_titles(conn, act_pk, Some(discussion_pk), None).await?)
}

/// Disables a repository. A deleted one, too, since it could be restored.
///
/// # Errors
/// The database does not answer.
pub async fn disable_repo(conn: &mut PgConnection, act_pk: i64, repo_pk: i64) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 for no key update", repo_pk);
    let found = found.fetch_all(&mut *conn).await?;
    disable(conn, act_pk, found).await
}

/// Disables all that a user or organisation has; gives how many there are.
///
/// # Errors
/// The database does not answer.
pub async fn disable_repos(conn: &mut PgConnection, act_pk: i64, namespace_pk: i64) -> sqlx::Result<u64> {
    // Not out are rows that only refer to a repository: whoever comments with a file holds a discussion while its row comes.
    let found =
        sqlx::query_scalar!("select repo_pk from repos where namespace_pk = $1 order by repo_pk for no key update", namespace_pk);
    let found = found.fetch_all(&mut *conn).await?;
    disable(conn, act_pk, found).await
}

async fn disable(conn: &mut PgConnection, act_pk: i64, repo_pks: Vec<i64>) -> sqlx::Result<u64> {
    sqlx::query!("update repos set disabled = true where repo_pk = any($1) and not disabled", &repo_pks)
        .execute(&mut *conn)
        .await?;
    cover(conn, act_pk, "repo", repo_pks).await
}

/// Says that a repository is not for all audiences, whatever its card and its owner say.
///
/// # Errors
/// The database does not answer.
pub async fn label_repo(conn: &mut PgConnection, act_pk: i64, repo_pk: i64) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 for no key update", repo_pk);
    let found = found.fetch_all(&mut *conn).await?;
    sqlx::query!("update repos set labelled_by_moderators = true where repo_pk = any($1) and not labelled_by_moderators", &found)
        .execute(&mut *conn)
        .await?;
    cover(conn, act_pk, "label", found).await
}

/// Hides a collection, or all of a user or organisation, also of those that were deleted and can come back; whether it was private is
/// kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn hide_collections(
    conn: &mut PgConnection,
    act_pk: i64,
    collection_pk: Option<i64>,
    namespace_pk: Option<i64>,
) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!(
        "select collection_pk from collections where collection_pk = $1 or namespace_pk = $2
         order by collection_pk for no key update",
        collection_pk,
        namespace_pk
    );
    let mut found = found.fetch_all(&mut *conn).await?;
    let deleted = sqlx::query_scalar!(
        "select collection_pk from deleted_collections where collection_pk = $1 or namespace_pk = $2
         order by collection_pk for update",
        collection_pk,
        namespace_pk
    );
    found.extend(deleted.fetch_all(&mut *conn).await?);
    let covered = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'collection', collection_pk, coalesce(
             (select body from moderation_standing where kind = 'collection' and pk = collection_pk limit 1),
             case when private then 'private' else 'public' end)
         from (select collection_pk, private from collections
               union all select collection_pk, private from deleted_collections) known
         where collection_pk = any($2)",
        act_pk,
        &found
    );
    let covered = covered.execute(&mut *conn).await?.rows_affected();
    sqlx::query!("update collections set hidden_at = now() where collection_pk = any($1) and hidden_at is null", &found)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update deleted_collections set private = true,
             contents = jsonb_set(contents, '{collection}', contents -> 'collection'
                                  || jsonb_build_object('hidden_at', now(), 'private', true))
         where collection_pk = any($1) and contents #>> '{collection,hidden_at}' is null",
        &found
    )
    .execute(conn)
    .await?;
    Ok(covered)
}

/// Limits a user: what they have, and what they make from now on, is in no list.
///
/// # Errors
/// The database does not answer.
pub async fn limit(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<u64> {
    sqlx::query!("update users set limited_at = coalesce(limited_at, now()) where user_pk = $1", user_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "with held as (
             select repo_pk from repos where namespace_pk = $1 and not unlisted order by repo_pk for no key update
         )
         update repos r set unlisted = true from held where r.repo_pk = held.repo_pk",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    cover(conn, act_pk, "limit", vec![user_pk]).await
}

/// Takes hold of a person before what is theirs, as they do themselves when they delete their account.
///
/// # Errors
/// The database does not answer.
pub async fn hold_person(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!("select user_pk from users where user_pk = $1 for no key update", user_pk).fetch_optional(conn).await.map(|_| ())
}

/// Suspends a user: sessions and sign-ins under way end, and tokens are refused. A deleted service account is suspended when it comes back.
///
/// # Errors
/// The database does not answer.
pub async fn suspend(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!("select user_pk from users where user_pk = $1 for no key update", user_pk);
    let mut found = found.fetch_all(&mut *conn).await?;
    let deleted = sqlx::query_scalar!("select user_pk from deleted_service_accounts where user_pk = $1", user_pk);
    found.extend(deleted.fetch_all(&mut *conn).await?);
    sqlx::query!("update users set suspended_at = coalesce(suspended_at, now()) where user_pk = $1", user_pk)
        .execute(&mut *conn)
        .await?;
    delete_other_sessions_in(&mut *conn, user_pk, &[]).await?;
    cover(conn, act_pk, "user", found).await
}

/// Notes what an act covers.
///
/// # Errors
/// The database does not answer.
pub(super) async fn cover(conn: &mut PgConnection, act_pk: i64, kind: &str, pks: Vec<i64>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("insert into moderation_covers (act_pk, kind, pk) select $1, $2, unnest($3::bigint[])", act_pk, kind, &pks);
    Ok(done.execute(conn).await?.rows_affected())
}

/// Puts back what an act covers, but for what another act covers that stands, and comments that those hid, too, who may write to the
/// repository. The act itself counts as taken back already.
///
/// # Errors
/// The database does not answer.
pub async fn uncover(conn: &mut PgConnection, act_pk: i64) -> sqlx::Result<()> {
    let free = sqlx::query!(
        "select kind, pk, body from moderation_covers c
         where act_pk = $1 and not exists (select from moderation_standing o where o.kind = c.kind and o.pk = c.pk)",
        act_pk
    );
    let free = free.fetch_all(&mut *conn).await?;
    let of = |kind: &str| -> Vec<i64> { free.iter().filter(|row| row.kind == kind).map(|row| row.pk).collect() };
    let limited = of("limit");
    let people = [of("user"), limited.clone(), of("profile")].concat();
    let mut repos = [of("repo"), of("label"), of("deleted")].concat();
    if !limited.is_empty() {
        let unlisted = sqlx::query_scalar!(
            "select repo_pk from repos where unlisted and (namespace_pk = any($1) or created_by = any($1))",
            &limited
        );
        repos.extend(unlisted.fetch_all(&mut *conn).await?);
    }
    organizations::hold(&mut *conn, &[of("organization"), limited.clone(), of("profile")].concat()).await?;
    hold(&mut *conn, &people, &repos, &[of("discussion"), of("lock")].concat(), &of("comment")).await?;
    sqlx::query!(
        "update discussion_events e set hidden = false, body = c.body from moderation_covers c
         where c.act_pk = $1 and c.kind = 'comment' and c.pk = any($2) and e.event_pk = c.pk and e.hidden and e.kept_body is null
           and (c.body <> '' or e.author_pk is not null)",
        act_pk,
        &of("comment")
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update discussions d set title = c.body from moderation_covers c
         where c.act_pk = $1 and c.kind = 'discussion' and c.pk = any($2) and d.discussion_pk = c.pk and d.title = $3",
        act_pk,
        &of("discussion"),
        HIDDEN_TITLE
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update repos set disabled = false where repo_pk = any($1)", &of("repo")).execute(&mut *conn).await?;
    sqlx::query!("update repos set labelled_by_moderators = false where repo_pk = any($1)", &of("label"))
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update users set suspended_at = null where user_pk = any($1)", &of("user")).execute(&mut *conn).await?;
    sqlx::query!("update users set limited_at = null where user_pk = any($1)", &limited).execute(&mut *conn).await?;
    organizations::restore(&mut *conn, act_pk, &of("organization"), &limited, &of("profile")).await?;
    // Whose maker or owner is still limited stays in no list.
    sqlx::query!(
        "update repos set unlisted = false
         where unlisted and (namespace_pk = any($1) or created_by = any($1)) and not is_limited(namespace_pk, created_by)",
        &limited
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update discussions set locked = false where discussion_pk = any($1)", &of("lock")).execute(&mut *conn).await?;
    // What its owner deleted before stays deleted.
    let deleted: Vec<i64> = free.iter().filter(|row| row.kind == "deleted" && row.body.is_empty()).map(|row| row.pk).collect();
    removal::restore_repos(conn, &deleted).await?;
    removal::restore_profiles(conn, act_pk, &of("profile"), &of("picture")).await?;
    let public: Vec<i64> = free.iter().filter(|row| row.kind == "collection" && row.body == "public").map(|row| row.pk).collect();
    sqlx::query!(
        "with held as (
             select collection_pk from collections where collection_pk = any($1) order by collection_pk for no key update
         )
         update collections c set hidden_at = null, private = not c.collection_pk = any($2)
         from held where c.collection_pk = held.collection_pk",
        &of("collection"),
        &public
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with held as (
             select collection_pk from deleted_collections where collection_pk = any($1) order by collection_pk for no key update
         )
         update deleted_collections d set private = not d.collection_pk = any($2),
             contents = jsonb_set(d.contents, '{collection}', d.contents -> 'collection'
                                  || jsonb_build_object('hidden_at', null, 'private', not d.collection_pk = any($2)))
         from held where d.collection_pk = held.collection_pk",
        &of("collection"),
        &public
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes hold of what is about to be as it was, in the order in which everybody does who changes several of these: people,
/// repositories, discussions, what was said in them.
async fn hold(conn: &mut PgConnection, people: &[i64], repos: &[i64], discussions: &[i64], comments: &[i64]) -> sqlx::Result<()> {
    sqlx::query!("select user_pk from users where user_pk = any($1) order by user_pk for no key update", people)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!("select repo_pk from repos where repo_pk = any($1) order by repo_pk for no key update", repos)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query!(
        "select discussion_pk from discussions where discussion_pk = any($1) order by discussion_pk for no key update",
        discussions
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("select event_pk from discussion_events where event_pk = any($1) order by event_pk for no key update", comments)
        .fetch_all(conn)
        .await
        .map(|_| ())
}
