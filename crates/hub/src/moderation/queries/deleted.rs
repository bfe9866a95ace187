//! Acts on what lies in deleted discussions. They cover it as they cover what is there, so that it is hidden and locked when a discussion
//! comes back, unless they are taken back before.

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
