//! Statements on what somebody was told. What they may not read any more is in none of the answers.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::PgPool;

use crate::notifications::Reason;
use crate::web::cursor::TimeCursor;

/// Something that somebody was told.
#[derive(Debug, Clone)]
pub struct NotificationRow {
    /// The key.
    pub notification_pk: i64,
    /// Why.
    pub reason: Reason,
    /// Whether they have not read it.
    pub unread: bool,
    /// When it happened last.
    pub updated_at: DateTime<Utc>,
    /// The repository's type; nothing where it is about an organisation or a recall.
    pub repo_type: Option<RepoType>,
    /// Its owner, or the organisation.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is told about an organisation: `join_request`, `join_accepted`, `join_rejected` or `domain_join`; or of a recall: `recall`
    /// or `recall_withdrawn`.
    pub about: Option<String>,
    /// The recall that it is about.
    pub recall_pk: Option<i64>,
    /// What was recalled.
    pub recall: Option<String>,
    /// Why, in a word.
    pub recall_category: Option<String>,
    /// The service account that fetched it, if not they themselves.
    pub recall_service: Option<String>,
    /// Whether it was in a pack of git that was fetched.
    pub recall_by_git: bool,
    /// What to use instead.
    pub instead: Option<String>,
    /// The commit of that.
    pub instead_commit: Option<String>,
    /// The discussion; without one, the repository is new.
    pub discussion_pk: Option<i64>,
    /// The discussion's number.
    pub num: Option<i64>,
    /// Its title.
    pub title: Option<String>,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
    /// Whether it goes on: `draft`, `open`, `closed` or `merged`.
    pub status: Option<String>,
    /// The first event that they have not read.
    pub first_event: Option<String>,
    /// The key of the last event.
    pub last_event_pk: i64,
    /// What the last event was: `comment` or `status-change`.
    pub last_kind: Option<String>,
    /// Of a change: to which status.
    pub last_status: Option<String>,
    /// Whether the last event opened the discussion.
    pub opened: bool,
    /// Who did it.
    pub actor: Option<String>,
    /// The last comment that they have not read, as far as mails show it.
    pub said: Option<String>,
}

/// What an inbox shall show.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Also what was read.
    pub all: bool,
    /// Only for one reason.
    pub reason: Option<Reason>,
    /// Only of one repository: its type, and its id in lower case.
    pub repo: Option<(RepoType, String)>,
}

impl Filter {
    fn reason(&self) -> Option<i16> {
        self.reason.map(|reason| reason as i16)
    }

    fn repo_type(&self) -> Option<&'static str> {
        self.repo.as_ref().map(|(repo_type, _)| repo_type.as_str())
    }

    fn repo_id(&self) -> Option<&str> {
        self.repo.as_ref().map(|(_, id)| id.as_str())
    }
}

/// Counts what somebody has not read, up to `most`; `namespaces` are those whose private repositories they may read.
///
/// # Errors
/// The database does not answer.
pub async fn count_unread(pool: &PgPool, user_pk: i64, namespaces: &[i64], most: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from notifications n left join repos r on r.repo_pk = n.repo_pk
               where n.user_pk = $1 and n.unread
                 and case when n.recall_pk is not null then true
                     when n.repo_pk is null then is_told(n.user_pk, n.organization_pk, n.about)
                     else r.deleted_at is null and not r.disabled
                          and (not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2)) end
               limit $3
           ) some_of_them"#,
        user_pk,
        namespaces,
        most
    )
    .fetch_one(pool)
    .await
}

/// Lists what somebody was told, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list(
    pool: &PgPool,
    user_pk: i64,
    namespaces: &[i64],
    filter: &Filter,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<NotificationRow>> {
    sqlx::query_as!(
        NotificationRow,
        r#"select n.notification_pk, n.reason as "reason: Reason", n.unread, n.updated_at, r.repo_type as "repo_type?: RepoType",
                  coalesce(o.name, '') as "namespace!", coalesce(r.name, '') as "name!", n.about,
                  n.recall_pk, c.title as "recall?", c.category as "recall_category?",
                  s.name as "recall_service?", coalesce(t.by_git, false) as "recall_by_git!",
                  case when p.repo_pk is not null then q.name || '/' || p.name end as instead,
                  case when p.repo_pk is not null then encode(c.replacement_commit, 'hex') end as instead_commit, n.discussion_pk, d.num as "num?", d.title as "title?",
                  d.base is not null as "is_pull_request!", d.status as "status?", f.public_id as "first_event?", n.last_event_pk,
                  l.kind as "last_kind?", l.payload->>'status' as last_status,
                  n.first_event_pk = n.last_event_pk and not exists (
                      select from discussion_events e where e.discussion_pk = n.discussion_pk and e.event_pk < n.last_event_pk
                  ) as "opened!",
                  a.name as "actor?", null::text as said
           from notifications n left join repos r on r.repo_pk = n.repo_pk
           left join namespaces o on o.namespace_pk = coalesce(r.namespace_pk, n.organization_pk)
           left join recalls c on c.recall_pk = n.recall_pk
           left join recall_told t on t.recall_pk = n.recall_pk and t.user_pk = n.user_pk
           left join namespaces s on s.namespace_pk = t.service_pk
           left join repos p on p.repo_pk = c.replacement_pk and p.deleted_at is null and not p.disabled
                             and (not p.private or coalesce(p.resource_group_pk, p.namespace_pk) = any($2))
           left join namespaces q on q.namespace_pk = p.namespace_pk
           left join discussions d on d.discussion_pk = n.discussion_pk
           left join discussion_events f on f.event_pk = n.first_event_pk
           left join discussion_events l on l.event_pk = n.last_event_pk and n.repo_pk is not null
           left join namespaces a on a.namespace_pk = coalesce(l.author_pk, n.actor_pk)
           where n.user_pk = $1
             and case when n.recall_pk is not null then true when n.repo_pk is null then is_told(n.user_pk, n.organization_pk, n.about)
                 else r.deleted_at is null and not r.disabled
                      and (not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2)) end
             and (n.unread or $3) and ($4::smallint is null or n.reason = $4)
             and ($5::text is null or (r.repo_type = $5 and lower(o.name || '/' || r.name) = $6))
             and (n.updated_at, n.notification_pk) < (coalesce($7, 'infinity'::timestamptz), $8)
           order by n.updated_at desc, n.notification_pk desc limit $9"#,
        user_pk,
        namespaces,
        filter.all,
        filter.reason(),
        filter.repo_type(),
        filter.repo_id(),
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Finds something that somebody was told.
///
/// # Errors
/// The database does not answer.
pub async fn find(pool: &PgPool, user_pk: i64, namespaces: &[i64], pk: i64) -> sqlx::Result<Option<NotificationRow>> {
    Ok(list_by_keys(pool, user_pk, namespaces, &[pk]).await?.pop())
}

/// The same as [`list`] of some by key, with what was said.
///
/// # Errors
/// The database does not answer.
pub async fn list_by_keys(pool: &PgPool, user_pk: i64, namespaces: &[i64], keys: &[i64]) -> sqlx::Result<Vec<NotificationRow>> {
    sqlx::query_as!(
        NotificationRow,
        r#"select n.notification_pk, n.reason as "reason: Reason", n.unread, n.updated_at, r.repo_type as "repo_type?: RepoType",
                  coalesce(o.name, '') as "namespace!", coalesce(r.name, '') as "name!", n.about,
                  n.recall_pk, c.title as "recall?", c.category as "recall_category?",
                  s.name as "recall_service?", coalesce(t.by_git, false) as "recall_by_git!",
                  case when p.repo_pk is not null then q.name || '/' || p.name end as instead,
                  case when p.repo_pk is not null then encode(c.replacement_commit, 'hex') end as instead_commit, n.discussion_pk, d.num as "num?", d.title as "title?",
                  d.base is not null as "is_pull_request!", d.status as "status?", f.public_id as "first_event?", n.last_event_pk,
                  l.kind as "last_kind?", l.payload->>'status' as last_status,
                  n.first_event_pk = n.last_event_pk and not exists (
                      select from discussion_events e where e.discussion_pk = n.discussion_pk and e.event_pk < n.last_event_pk
                  ) as "opened!",
                  a.name as "actor?",
                  coalesce(case n.about when 'recall' then left(c.body, 2000) when 'recall_withdrawn' then c.withdrawn_why end,
                      (select left(e.body, 2000) from discussion_events e
                       where e.discussion_pk = n.discussion_pk and e.event_pk between n.first_event_pk and n.last_event_pk
                         and e.kind = 'comment' and not e.hidden
                       order by e.event_pk desc limit 1)) as said
           from notifications n left join repos r on r.repo_pk = n.repo_pk
           left join namespaces o on o.namespace_pk = coalesce(r.namespace_pk, n.organization_pk)
           left join recalls c on c.recall_pk = n.recall_pk
           left join recall_told t on t.recall_pk = n.recall_pk and t.user_pk = n.user_pk
           left join namespaces s on s.namespace_pk = t.service_pk
           left join repos p on p.repo_pk = c.replacement_pk and p.deleted_at is null and not p.disabled
                             and (not p.private or coalesce(p.resource_group_pk, p.namespace_pk) = any($2))
           left join namespaces q on q.namespace_pk = p.namespace_pk
           left join discussions d on d.discussion_pk = n.discussion_pk
           left join discussion_events f on f.event_pk = n.first_event_pk
           left join discussion_events l on l.event_pk = n.last_event_pk and n.repo_pk is not null
           left join namespaces a on a.namespace_pk = coalesce(l.author_pk, n.actor_pk)
           where n.user_pk = $1 and n.notification_pk = any($3)
             and case when n.recall_pk is not null then true when n.repo_pk is null then is_told(n.user_pk, n.organization_pk, n.about)
                 else r.deleted_at is null and not r.disabled
                      and (not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2)) end
           order by n.updated_at desc, n.notification_pk desc"#,
        user_pk,
        namespaces,
        keys
    )
    .fetch_all(pool)
    .await
}

/// A repository of which somebody was told.
#[derive(Debug, Clone)]
pub struct ToldRepoRow {
    /// Its type.
    pub repo_type: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many notifications are of it, among the latest thousand.
    pub count: i64,
}

/// The repositories of which somebody was told most.
///
/// # Errors
/// The database does not answer.
pub async fn list_repos(
    pool: &PgPool,
    user_pk: i64,
    namespaces: &[i64],
    all: bool,
    limit: i64,
) -> sqlx::Result<Vec<ToldRepoRow>> {
    sqlx::query_as!(
        ToldRepoRow,
        r#"select r.repo_type as "repo_type: RepoType", o.name as namespace, r.name, count(*) as "count!"
           from (select repo_pk from notifications where user_pk = $1 and (unread or $3)
                 order by updated_at desc, notification_pk desc limit 1000) n
           join repos r using (repo_pk) join namespaces o on o.namespace_pk = r.namespace_pk
           where r.deleted_at is null and not r.disabled and (not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($2))
           group by r.repo_pk, o.name order by count(*) desc, o.name, r.name limit $4"#,
        user_pk,
        namespaces,
        all,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Notes that somebody has read some of what they were told.
///
/// # Errors
/// The database does not answer.
pub async fn mark_read(pool: &PgPool, user_pk: i64, keys: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with held as (
             select notification_pk from notifications where user_pk = $1 and notification_pk = any($2) and unread
             order by notification_pk for no key update
         )
         update notifications n set unread = false, mail_due_at = null from held where n.notification_pk = held.notification_pk",
        user_pk,
        keys
    );
    Ok(done.execute(pool).await?.rows_affected())
}

/// The same of all that concern some discussions.
///
/// # Errors
/// The database does not answer.
pub async fn mark_discussions_read(pool: &PgPool, user_pk: i64, discussion_pks: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with held as (
             select notification_pk from notifications where user_pk = $1 and discussion_pk = any($2) and unread
             order by notification_pk for no key update
         )
         update notifications n set unread = false, mail_due_at = null from held where n.notification_pk = held.notification_pk",
        user_pk,
        discussion_pks
    );
    Ok(done.execute(pool).await?.rows_affected())
}

/// Notes that somebody has read all that a filter shows and that was there at a moment.
///
/// # Errors
/// The database does not answer.
pub async fn mark_all_read(pool: &PgPool, user_pk: i64, filter: &Filter, until: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with held as (
             select notification_pk from notifications n
             where n.user_pk = $1 and n.unread and n.updated_at <= $5 and ($2::smallint is null or n.reason = $2)
               and ($3::text is null or exists (
                   select from repos r join namespaces o on o.namespace_pk = r.namespace_pk
                   where r.repo_pk = n.repo_pk and r.repo_type = $3 and lower(o.name || '/' || r.name) = $4))
             order by notification_pk for no key update
         )
         update notifications n set unread = false, mail_due_at = null from held where n.notification_pk = held.notification_pk",
        user_pk,
        filter.reason(),
        filter.repo_type(),
        filter.repo_id(),
        until
    );
    Ok(done.execute(pool).await?.rows_affected())
}

/// Notes that somebody has seen a discussion; `true` if they had not read what they were told of it.
///
/// # Errors
/// The database does not answer.
pub async fn mark_thread_read(pool: &PgPool, user_pk: i64, repo_pk: i64, discussion_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update notifications set unread = false, mail_due_at = null
         where user_pk = $1 and repo_pk = $2 and coalesce(discussion_pk, 0) = $3 and unread",
        user_pk,
        repo_pk,
        discussion_pk
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}
