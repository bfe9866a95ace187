//! Statements on what people say of one discussion.

use sqlx::{PgConnection, PgPool};

/// How somebody stands with a discussion.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandingRow {
    /// Whether they subscribed to it or unsubscribed, if they said so since their last comment.
    pub said: Option<bool>,
    /// Whether they opened it, commented or were mentioned.
    pub takes_part: bool,
}

/// How somebody stands with a discussion.
///
/// # Errors
/// The database does not answer.
pub async fn find_standing(pool: &PgPool, user_pk: i64, discussion_pk: i64) -> sqlx::Result<Option<StandingRow>> {
    sqlx::query_as!(
        StandingRow,
        r#"select (select s.subscribed from discussion_subscriptions s
                   where s.user_pk = $1 and s.discussion_pk = $2
                     and not exists (select from discussion_events e where e.discussion_pk = $2 and e.author_pk = $1
                                     and e.kind = 'comment' and e.created_at > s.set_at)) as said,
                  (d.author_pk is not distinct from $1
                   or exists (select from discussion_events e where e.discussion_pk = $2 and e.author_pk = $1 and e.kind = 'comment')
                   or exists (select from notifications n where n.user_pk = $1 and n.repo_pk = d.repo_pk
                              and coalesce(n.discussion_pk, 0) = $2 and n.reason >= 2)) as "takes_part!"
           from discussions d where d.discussion_pk = $2"#,
        user_pk,
        discussion_pk
    )
    .fetch_optional(pool)
    .await
}

/// Notes what somebody says of a discussion, unless it is gone.
///
/// # Errors
/// The database does not answer.
pub async fn set(conn: &mut PgConnection, user_pk: i64, discussion_pk: i64, subscribed: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into discussion_subscriptions (user_pk, discussion_pk, subscribed)
         select $1::bigint, discussion_pk, $3::boolean from discussions where discussion_pk = $2 for key share
         on conflict (user_pk, discussion_pk) do update set subscribed = excluded.subscribed, set_at = excluded.set_at",
        user_pk,
        discussion_pk,
        subscribed
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes back that they unsubscribed of those who commented since then, or are mentioned (`names`, in lower case) and do not ignore the
/// repository and may read it: they follow the discussion again. Former names call people, too.
///
/// # Errors
/// The database does not answer.
pub async fn resubscribe(conn: &mut PgConnection, event_pk: i64, names: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from discussion_subscriptions s
         using discussion_events e join discussions d using (discussion_pk) join repos r using (repo_pk)
         where e.event_pk = $1 and s.discussion_pk = e.discussion_pk and not s.subscribed and s.set_at < e.created_at
           and ((e.kind = 'comment' and s.user_pk = e.author_pk)
                or (s.user_pk = any(array(select namespace_called(called) from unnest($2::text[]) as called))
                    and r.deleted_at is null and not r.disabled
                    and (not r.private or belongs_to(s.user_pk, r.namespace_pk, r.resource_group_pk))
                    and not exists (select from repo_watches w where w.user_pk = s.user_pk and w.repo_pk = d.repo_pk and w.level = 'ignore')))",
        event_pk,
        names
    )
    .execute(conn)
    .await
    .map(|_| ())
}
