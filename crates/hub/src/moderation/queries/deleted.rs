//! Acts on what lies in deleted discussions and service accounts. They cover it as they cover what is there, so that it is hidden and locked
//! when a discussion comes back, and empty and suspended when an account does, unless they are taken back before.

use sqlx::PgConnection;

use super::effects::Comments;
use crate::accounts::UserPk;

/// Covers comments of deleted discussions; what they said is kept with the act, too. What people hid for good is not.
///
/// # Errors
/// The database does not answer.
pub async fn cover_comments(conn: &mut PgConnection, act_pk: i64, which: Comments) -> sqlx::Result<u64> {
    let (event_pk, discussion_pk, author_pk) = match which {
        Comments::One(event_pk) => (Some(event_pk), None, None),
        Comments::OfOpener(discussion_pk) => (None, Some(discussion_pk), None),
        Comments::By(author_pk) => (None, None, Some(author_pk)),
    };
    let done = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'comment', e.event_pk, case when e.hidden then coalesce(e.kept_body, s.body) else e.body end
         from deleted_discussions d
         cross join lateral jsonb_populate_recordset(null::discussion_events, d.contents -> 'events') e
         left join lateral (
             select body from moderation_standing where kind = 'comment' and pk = e.event_pk limit 1) s on e.hidden
         where d.contents is not null and e.kind = 'comment' and (not e.hidden or s.body is not null or e.kept_body is not null)
           and (e.event_pk = $2 or e.author_pk = $4 or (d.discussion_pk = $3 and e.author_pk = d.author_pk))",
        act_pk,
        event_pk,
        discussion_pk,
        author_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Covers that a deleted discussion is locked, or all that somebody opened.
///
/// # Errors
/// The database does not answer.
pub async fn cover_locks(
    conn: &mut PgConnection,
    act_pk: i64,
    discussion_pk: Option<i64>,
    author_pk: Option<UserPk>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk)
         select $1, 'lock', d.discussion_pk from deleted_discussions d
         where d.contents is not null and (d.discussion_pk = $2 or d.author_pk = $3)
           and (not (d.contents #>> '{discussion,locked}')::boolean
                or exists (select from moderation_standing s where s.kind = 'lock' and s.pk = d.discussion_pk))",
        act_pk,
        discussion_pk,
        author_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Covers the title of a deleted discussion, or of all that somebody opened.
///
/// # Errors
/// The database does not answer.
pub async fn cover_titles(
    conn: &mut PgConnection,
    act_pk: i64,
    discussion_pk: Option<i64>,
    author_pk: Option<UserPk>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "insert into moderation_covers (act_pk, kind, pk, body)
         select $1, 'discussion', d.discussion_pk, coalesce(
             (select s.body from moderation_standing s where s.kind = 'discussion' and s.pk = d.discussion_pk limit 1),
             d.contents #>> '{discussion,title}')
         from deleted_discussions d where d.contents is not null and (d.discussion_pk = $2 or d.author_pk = $3)",
        act_pk,
        discussion_pk,
        author_pk
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Empties what a deleted service account was; what was there is kept with the act.
///
/// # Errors
/// The database does not answer.
pub async fn empty_profile(conn: &mut PgConnection, act_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with was as (
             select user_pk, contents -> 'account' as account from deleted_service_accounts where user_pk = $2 for update
         ), covered as (
             insert into moderation_covers (act_pk, kind, pk, body)
             select $1, 'profile', w.user_pk, coalesce(
                 (select s.body from moderation_standing s where s.kind = 'profile' and s.pk = w.user_pk limit 1),
                 jsonb_build_object('fullname', w.account -> 'fullname', 'details', w.account -> 'details',
                                    'homepage', w.account -> 'homepage', 'links', w.account -> 'links')::text)
             from was w
         )
         update deleted_service_accounts d
         set contents = jsonb_set(d.contents, '{account}',
                                  w.account || '{"fullname": "", "details": "", "homepage": "", "links": []}'::jsonb)
         from was w where d.user_pk = w.user_pk"#,
        act_pk,
        user_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Puts back what an act took from deleted service accounts.
///
/// # Errors
/// The database does not answer.
pub async fn restore_profiles(conn: &mut PgConnection, act_pk: i64, profiles: &[UserPk]) -> sqlx::Result<()> {
    sqlx::query!(
        "update deleted_service_accounts d set contents = jsonb_set(d.contents, '{account}', (d.contents -> 'account') || c.was)
         from (select pk, nullif(body, '')::jsonb as was from moderation_covers
               where act_pk = $1 and kind = 'profile' and pk = any($2)) c
         where d.user_pk = c.pk and c.was is not null",
        act_pk,
        profiles
    )
    .execute(conn)
    .await
    .map(|_| ())
}
