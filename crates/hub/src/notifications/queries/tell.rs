//! Statements that find out whom something concerns, and note that they are told.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// Something that happened in a discussion.
#[derive(Debug)]
pub struct EventRow {
    /// The key.
    pub event_pk: i64,
    /// Of a comment: its Markdown.
    pub body: String,
}

/// Finds an event by the id that clients see, unless it was hidden, or is of somebody whom moderators limited.
///
/// # Errors
/// The database does not answer.
pub async fn find_event(pool: &PgPool, id: &str) -> sqlx::Result<Option<EventRow>> {
    sqlx::query_as!(
        EventRow,
        "select event_pk, body from discussion_events where public_id = $1 and not hidden
           and not exists (select from users where user_pk = author_pk and limited_at is not null)",
        id
    )
    .fetch_optional(pool)
    .await
}

/// When mails go.
#[derive(Debug, Clone, Copy)]
pub struct MailTimes {
    /// The daily ones.
    pub next_digest: DateTime<Utc>,
    /// How long after a mail to somebody those that go at once wait.
    pub pause_secs: f64,
}

/// Somebody who is told.
#[derive(Debug)]
pub struct ToldRow {
    /// Who.
    pub user_pk: i64,
    /// Whether a mail shall tell them now.
    pub mail_now: bool,
}

/// Notes for everybody whom an event concerns that it happened: those whom it mentions (`names`, in lower case), who take part or
/// were mentioned before, who subscribed to the discussion, who own or watch the repository, and, of the first in a discussion, who
/// watch the owner. Neither who did it, nor who ignores the repository or may not read it, nor, unless they are mentioned, who
/// unsubscribed from the discussion. One that was noted already changes nothing; one that comes late may still be the stronger reason.
///
/// # Errors
/// The database does not answer.
pub async fn insert_for_event(
    conn: &mut PgConnection,
    event_pk: i64,
    names: &[String],
    mails: MailTimes,
) -> sqlx::Result<Vec<ToldRow>> {
    // The repository and the discussion are held first, as whoever deletes them does before what people were told of them goes.
    sqlx::query_as!(
        ToldRow,
        r#"with event as (
               select e.event_pk, e.discussion_pk, e.author_pk, e.created_at, d.repo_pk, d.author_pk as opener_pk, r.namespace_pk,
                      r.private, r.resource_group_pk,
                      not exists (select from discussion_events f
                                  where f.discussion_pk = e.discussion_pk and f.event_pk < e.event_pk) as opens
               from discussion_events e join discussions d using (discussion_pk) join repos r using (repo_pk)
               where e.event_pk = $1 and r.deleted_at is null and not r.disabled
               for key share of r, d
           ), candidate as (
               select n.namespace_pk as user_pk, 3 as reason from namespaces n
               where n.namespace_pk = any(array(select namespace_called(called) from unnest($2::text[]) as called))
               union all
               select opener_pk, 2 from event
               union all
               select p.author_pk, 2 from event e join discussion_events p on p.discussion_pk = e.discussion_pk
               where p.kind = 'comment'
               union all
               select n.user_pk, 2 from event e join notifications n on n.discussion_pk = e.discussion_pk where n.reason >= 2
               union all
               select s.user_pk, 2 from event e join discussion_subscriptions s on s.discussion_pk = e.discussion_pk where s.subscribed
               union all
               select namespace_pk, 1 from event
               union all
               select w.user_pk, 1 from event e join repo_watches w on w.repo_pk = e.repo_pk where w.level = 'all'
               union all
               select m.user_pk, 1 from event e join organization_members m on m.organization_pk = e.namespace_pk
               join notification_settings s on s.user_pk = m.user_pk where s.organizations
               union all
               select w.user_pk, 1 from event e join namespace_watches w on w.namespace_pk = e.namespace_pk where e.opens
           ), told as (
               select c.user_pk, max(c.reason)::smallint as reason
               from event e cross join candidate c join users u on u.user_pk = c.user_pk
               left join repo_watches w on w.user_pk = c.user_pk and w.repo_pk = e.repo_pk
               left join discussion_subscriptions s on s.user_pk = c.user_pk and s.discussion_pk = e.discussion_pk
               where c.user_pk is distinct from e.author_pk and u.service_of is null and w.level is distinct from 'ignore'
                 and (c.reason > 1 or w.level is distinct from 'participating')
                 and (c.reason > 2 or s.subscribed is distinct from false)
                 and (not e.private or belongs_to(c.user_pk, e.namespace_pk, e.resource_group_pk))
               group by c.user_pk
           )
           insert into notifications as n (user_pk, repo_pk, discussion_pk, reason, first_event_pk, last_event_pk, updated_at, mail_due_at)
           select t.user_pk, e.repo_pk, e.discussion_pk, t.reason, e.event_pk, e.event_pk, e.created_at,
                  case (case t.reason when 3 then coalesce(s.mention_mail, 'at_once')
                                      when 2 then coalesce(s.participating_mail, 'at_once')
                                      else coalesce(s.watching_mail, 'daily') end)
                      when 'at_once' then greatest(now(), l.mailed_at + make_interval(secs => $4))
                      when 'daily' then $3::timestamptz end
           from event e cross join told t left join notification_settings s on s.user_pk = t.user_pk
           left join notification_mails l on l.user_pk = t.user_pk
           order by t.user_pk
           on conflict (user_pk, repo_pk, coalesce(discussion_pk, 0)) do update set
               reason = case when n.unread then greatest(n.reason, excluded.reason)
                             when excluded.last_event_pk > n.last_event_pk then excluded.reason else n.reason end,
               first_event_pk = case when n.unread then least(n.first_event_pk, excluded.first_event_pk)
                                     when excluded.last_event_pk > n.last_event_pk then excluded.first_event_pk
                                     else n.first_event_pk end,
               last_event_pk = greatest(n.last_event_pk, excluded.last_event_pk),
               unread = n.unread or excluded.last_event_pk > n.last_event_pk,
               updated_at = greatest(n.updated_at, excluded.updated_at),
               mail_due_at = case when excluded.last_event_pk > n.last_event_pk or (n.unread and excluded.reason > n.reason)
                                  then least(n.mail_due_at, excluded.mail_due_at) else n.mail_due_at end
           returning n.user_pk, coalesce(n.mail_due_at <= now(), false) as "mail_now!""#,
        event_pk,
        names,
        mails.next_digest,
        mails.pause_secs
    )
    .fetch_all(conn)
    .await
}

/// Notes for everybody who watches the owner of a repository that it is new, if it is: made or published within a day, and after
/// they began to watch. Members of an organisation are told if they watch its repositories. Fifty that are not read are enough of one
/// owner.
///
/// # Errors
/// The database does not answer.
pub async fn insert_for_repo(conn: &mut PgConnection, repo_pk: i64, mails: MailTimes) -> sqlx::Result<Vec<ToldRow>> {
    sqlx::query_as!(
        ToldRow,
        r#"with repo as (
               select repo_pk, namespace_pk, resource_group_pk, private, created_by, greatest(published_at, created_at) as at from repos
               where repo_pk = $1 and deleted_at is null and not disabled and not unlisted
                 and greatest(published_at, created_at) > now() - interval '1 day'
           ), told as (
               select w.user_pk from repo r join namespace_watches w on w.namespace_pk = r.namespace_pk where w.created_at <= r.at
               union
               select m.user_pk from repo r join organization_members m on m.organization_pk = r.namespace_pk
               join notification_settings s on s.user_pk = m.user_pk where s.organizations
           )
           insert into notifications as n (user_pk, repo_pk, reason, mail_due_at)
           select t.user_pk, r.repo_pk, 1,
                  case coalesce(s.watching_mail, 'daily')
                      when 'at_once' then greatest(now(), l.mailed_at + make_interval(secs => $3))
                      when 'daily' then $2::timestamptz end
           from repo r cross join told t left join notification_settings s on s.user_pk = t.user_pk
           left join notification_mails l on l.user_pk = t.user_pk
           where t.user_pk is distinct from r.created_by
             and (not r.private or belongs_to(t.user_pk, r.namespace_pk, r.resource_group_pk))
             and (select count(*) from notifications o join repos p on p.repo_pk = o.repo_pk
                  where o.user_pk = t.user_pk and o.unread and o.discussion_pk is null and p.namespace_pk = r.namespace_pk) < 50
           order by t.user_pk
           on conflict (user_pk, repo_pk, coalesce(discussion_pk, 0)) do nothing
           returning n.user_pk, coalesce(n.mail_due_at <= now(), false) as "mail_now!""#,
        repo_pk,
        mails.next_digest,
        mails.pause_secs
    )
    .fetch_all(conn)
    .await
}

/// Something that happened with a request to join an organisation.
#[derive(Debug)]
pub struct JoiningEvent {
    /// The organisation.
    pub organization_pk: i64,
    /// Who asked.
    pub user_pk: i64,
    /// Who did it, as far as that is told.
    pub actor_pk: Option<i64>,
    /// What: `join_request`, `join_accepted`, `join_rejected` or `domain_join`.
    pub about: &'static str,
    /// When, in microseconds: what is told once is not told again.
    pub at: i64,
}

/// Notes a request to join for the admins of the organisation, twenty at most, if it is open still, or that somebody joined by a mail
/// domain; or for who asked what became of it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_for_joining(conn: &mut PgConnection, event: &JoiningEvent, mails: MailTimes) -> sqlx::Result<Vec<ToldRow>> {
    sqlx::query_as!(
        ToldRow,
        r#"insert into notifications as n (user_pk, organization_pk, about, actor_pk, reason, last_event_pk, mail_due_at)
           select t.user_pk, $1, $3, $4, 2, $5,
                  case coalesce(s.participating_mail, 'at_once')
                      when 'at_once' then greatest(now(), l.mailed_at + make_interval(secs => $7))
                      when 'daily' then $6::timestamptz end
           from (
               (select m.user_pk from organization_members m join organization_requests q using (organization_pk)
                where m.organization_pk = $1 and m.role = 'admin' and not is_locked_out(m.organization_pk, m.user_pk)
                  and $3 = 'join_request' and q.user_pk = $2 and q.rejected_at is null
                order by m.user_pk limit 20)
               union all
               (select m.user_pk from organization_members m
                where m.organization_pk = $1 and m.role = 'admin' and not is_locked_out(m.organization_pk, m.user_pk)
                  and $3 = 'domain_join' and m.user_pk <> $2
                order by m.user_pk limit 20)
               union all
               select u.user_pk from users u where u.user_pk = $2 and $3 in ('join_accepted', 'join_rejected')
           ) t left join notification_settings s on s.user_pk = t.user_pk
           left join notification_mails l on l.user_pk = t.user_pk
           order by t.user_pk
           on conflict (user_pk, organization_pk, about) where organization_pk is not null do update set
               actor_pk = excluded.actor_pk, unread = true, last_event_pk = excluded.last_event_pk, updated_at = excluded.updated_at,
               mail_due_at = least(n.mail_due_at, excluded.mail_due_at)
               where excluded.last_event_pk > n.last_event_pk
           returning n.user_pk, coalesce(n.mail_due_at <= now(), false) as "mail_now!""#,
        event.organization_pk,
        event.user_pk,
        event.about,
        event.actor_pk,
        event.at,
        mails.next_digest,
        mails.pause_secs
    )
    .fetch_all(conn)
    .await
}
