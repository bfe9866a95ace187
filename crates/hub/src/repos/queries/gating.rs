//! Statements on requests for access to gated repositories.

mod undo;

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, QueryBuilder};

use crate::repos::visibility::Visibility;
use crate::web::cursor::TimeCursor;

pub use self::undo::{
    LastDecision, delete_granted, forget_decisions, grant_again, list_last_decisions, lock_request, lock_standing, put_back,
    was_decided_since,
};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type, Serialize, Deserialize)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RequestStatus {
    /// Nobody has decided.
    Pending,
    /// The files are open.
    Accepted,
    /// Turned down.
    Rejected,
}

impl RequestStatus {
    /// In the order of lists.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Rejected];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How somebody stands with a repository.
#[derive(Debug, Clone)]
pub struct StandingRow {
    /// Where their request stands.
    pub status: RequestStatus,
    /// Why it was turned down.
    pub rejection_reason: Option<String>,
}

/// Finds how somebody stands with a repository.
///
/// # Errors
/// The database does not answer.
pub async fn find_standing(conn: impl PgExecutor<'_>, repo_pk: i64, user_pk: i64) -> sqlx::Result<Option<StandingRow>> {
    sqlx::query_as!(
        StandingRow,
        r#"select status as "status: RequestStatus", rejection_reason from access_requests where repo_pk = $1 and user_pk = $2"#,
        repo_pk,
        user_pk
    )
    .fetch_optional(conn)
    .await
}

/// Somebody asks. Nothing happens if they have a request already, whatever became of it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_request(
    conn: &mut PgConnection,
    repo_pk: i64,
    user_pk: i64,
    status: RequestStatus,
    answers: &Value,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into access_requests (repo_pk, user_pk, status, answers, decided_at)
         select $1::bigint, user_pk, $3::text, $4::jsonb, case when $3 = 'accepted' then now() end from users where user_pk = $2 for key share
         on conflict (repo_pk, user_pk) do nothing",
        repo_pk,
        user_pk,
        status as RequestStatus,
        answers
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Takes somebody's request back that nobody has decided about; `false` when there is none.
///
/// # Errors
/// The database does not answer.
pub async fn delete_pending(conn: &mut PgConnection, repo_pk: i64, user_pk: i64) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from access_requests where repo_pk = $1 and user_pk = $2 and status = 'pending'", repo_pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// A user by name.
#[derive(Debug, Clone)]
pub struct NamedUser {
    /// The key.
    pub user_pk: i64,
    /// The name.
    pub name: String,
}

/// Finds users by their names in lower case, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn find_users(pool: &PgPool, names: &[String]) -> sqlx::Result<Vec<NamedUser>> {
    sqlx::query_as!(
        NamedUser,
        "select u.user_pk, n.name from namespaces n join users u on u.user_pk = n.namespace_pk where lower(n.name) = any($1)",
        names
    )
    .fetch_all(pool)
    .await
}

/// A decision.
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// Where the requests stand from now on.
    pub status: RequestStatus,
    /// Why they are turned down.
    pub reason: Option<&'a str>,
    /// Who decides.
    pub decided_by: i64,
}

/// A request that was decided about.
#[derive(Debug, Clone)]
pub struct DecidedRow {
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Whose it is.
    pub user_pk: i64,
    /// Their name.
    pub user_name: String,
    /// Whether they were let in without asking.
    pub granted: bool,
    /// When it was decided about now; nothing: it waits.
    pub decided_at: Option<DateTime<Utc>>,
    /// Where it stood before.
    pub old_status: RequestStatus,
    /// Why it had been turned down.
    pub old_reason: Option<String>,
    /// When it had been decided about.
    pub old_decided_at: Option<DateTime<Utc>>,
    /// By whom.
    pub old_decided_by: Option<String>,
}

/// Decides about the requests of these people, and those of these ids, unless they stand so already. Gives those that changed.
///
/// # Errors
/// The database does not answer.
pub async fn decide(
    conn: &mut PgConnection,
    repo_pk: i64,
    user_pks: &[i64],
    public_ids: &[String],
    decision: &NewDecision<'_>,
) -> sqlx::Result<Vec<DecidedRow>> {
    // Rows are locked in one order, or two who decide about the same people would wait for each other.
    sqlx::query_as!(
        DecidedRow,
        r#"with wanted as (
             select access_request_pk, status, rejection_reason, decided_at, decided_by from access_requests
             where repo_pk = $1 and (user_pk = any($2) or public_id = any($3)) and status <> $4
             order by access_request_pk for update
         )
         update access_requests r
         set status = $4, rejection_reason = $5, decided_at = case when $4 <> 'pending' then now() end, decided_by = $6
         from wanted w where r.access_request_pk = w.access_request_pk
         returning r.public_id, r.user_pk, r.granted, r.decided_at as "decided_at?",
                   (select name from namespaces where namespace_pk = r.user_pk) as "user_name!",
                   w.status as "old_status!: RequestStatus", w.rejection_reason as "old_reason?", w.decided_at as "old_decided_at?",
                   (select name from namespaces where namespace_pk = w.decided_by) as "old_decided_by?""#,
        repo_pk,
        user_pks,
        public_ids,
        decision.status as RequestStatus,
        decision.reason,
        decision.decided_by
    )
    .fetch_all(conn)
    .await
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub struct GrantedRow {
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Whether they had not asked.
    pub never_asked: bool,
    /// When it was.
    pub decided_at: DateTime<Utc>,
}

/// Lets somebody in; nothing when they are in already, or their account is gone.
///
/// # Errors
/// The database does not answer.
pub async fn grant(conn: &mut PgConnection, repo_pk: i64, user_pk: i64, decided_by: i64) -> sqlx::Result<Option<GrantedRow>> {
    sqlx::query_as!(
        GrantedRow,
        r#"insert into access_requests as r (repo_pk, user_pk, status, granted, decided_at, decided_by)
         select $1::bigint, user_pk, 'accepted', true, now(), $3::bigint from users where user_pk = $2 for key share
         on conflict (repo_pk, user_pk) do update
         set status = 'accepted', rejection_reason = null, decided_at = now(), decided_by = $3
         where r.status <> 'accepted'
         returning public_id, granted as never_asked, decided_at as "decided_at!""#,
        repo_pk,
        user_pk,
        decided_by
    )
    .fetch_optional(conn)
    .await
}

/// How many requests of a repository stand so.
#[derive(Debug, Clone)]
pub struct StatusCount {
    /// Where they stand.
    pub status: RequestStatus,
    /// How many.
    pub count: i64,
}

/// Counts the requests of a repository.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_status(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Vec<StatusCount>> {
    sqlx::query_as!(
        StatusCount,
        r#"select status as "status: RequestStatus", count(*) as "count!" from access_requests where repo_pk = $1 group by status"#,
        repo_pk
    )
    .fetch_all(pool)
    .await
}

/// A request, for those who decide.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The key.
    pub access_request_pk: i64,
    /// The `requestId` that clients see.
    pub public_id: String,
    /// Who asks.
    pub user_pk: i64,
    /// Their name.
    pub user_name: String,
    /// Their full name, possibly empty.
    pub fullname: String,
    /// Their address; not of those who never asked.
    pub email: Option<String>,
    /// Where it stands.
    pub status: RequestStatus,
    /// What they wrote.
    pub answers: Value,
    /// Why it was turned down.
    pub rejection_reason: Option<String>,
    /// When they asked, or were let in.
    pub requested_at: DateTime<Utc>,
    /// When it was decided about.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who did; nobody where everybody is let in.
    pub decided_by: Option<String>,
}

impl RequestRow {
    /// The name to call them by.
    pub fn shown_name(&self) -> &str {
        if self.fullname.is_empty() { &self.user_name } else { &self.fullname }
    }

    /// Its place in a list.
    pub fn cursor(&self) -> TimeCursor {
        TimeCursor { at: self.requested_at, pk: self.access_request_pk }
    }
}

/// Lists the requests of a repository that stand so, the newest first; with `search`, of people whose name has it.
///
/// # Errors
/// The database does not answer.
pub async fn list_requests(
    pool: &PgPool,
    repo_pk: i64,
    status: RequestStatus,
    search: Option<&str>,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<RequestRow>> {
    sqlx::query_as!(
        RequestRow,
        r#"select r.access_request_pk, r.public_id, r.user_pk, n.name as user_name, u.fullname,
                  case when not r.granted then u.email end as email, r.status as "status: RequestStatus", r.answers,
                  r.rejection_reason, r.requested_at, r.decided_at, d.name as "decided_by?"
           from access_requests r join users u using (user_pk) join namespaces n on n.namespace_pk = r.user_pk
           left join namespaces d on d.namespace_pk = r.decided_by
           where r.repo_pk = $1 and r.status = $2
             and ($3::text is null or position(lower($3) in lower(n.name)) > 0 or position(lower($3) in lower(u.fullname)) > 0)
             and (r.requested_at, r.access_request_pk) < (coalesce($4, 'infinity'::timestamptz), $5)
           order by r.requested_at desc, r.access_request_pk desc limit $6"#,
        repo_pk,
        status as RequestStatus,
        search,
        after.before(),
        after.pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A request, for who asked.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OwnRequestRow {
    /// The key.
    pub access_request_pk: i64,
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Where it stands.
    pub status: RequestStatus,
    /// Why it was turned down.
    pub rejection_reason: Option<String>,
    /// When they asked, or were let in.
    pub requested_at: DateTime<Utc>,
}

/// Lists the requests of somebody, as far as they may see what they are about, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_own(
    pool: &PgPool,
    visible: &Visibility,
    user_pk: i64,
    after: TimeCursor,
    limit: i64,
) -> sqlx::Result<Vec<OwnRequestRow>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select a.access_request_pk, r.repo_type, n.name as namespace, r.name, a.status, a.rejection_reason, a.requested_at
         from access_requests a join repos r using (repo_pk) join namespaces n using (namespace_pk) where a.user_pk = ",
    );
    sql.push_bind(user_pk).push(" and (a.requested_at, a.access_request_pk) < (coalesce(").push_bind(after.before());
    sql.push(", 'infinity'::timestamptz), ").push_bind(after.pk).push(")");
    visible.push(&mut sql);
    sql.push(" order by a.requested_at desc, a.access_request_pk desc limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// When the owners of a repository were told of requests last, also of those that were taken back since.
///
/// # Errors
/// The database does not answer.
pub async fn last_told(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select told_at from access_request_mails where repo_pk = $1", repo_pk).fetch_optional(conn).await
}

/// Notes that the owners are told of all requests that wait, and gives who asks, the oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn take_untold(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"with held as (
               select access_request_pk from access_requests where repo_pk = $1::bigint and told_at is null and status = 'pending'
               order by access_request_pk for no key update
           ), taken as (
               update access_requests r set told_at = now() from held where r.access_request_pk = held.access_request_pk
               returning r.access_request_pk, r.user_pk
           ), told as (
               insert into access_request_mails (repo_pk, told_at) select $1::bigint, now() from taken limit 1
               on conflict (repo_pk) do update set told_at = excluded.told_at
           )
           select n.name as "name!" from taken join namespaces n on n.namespace_pk = taken.user_pk order by access_request_pk"#,
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Who is told of requests for a repository: its owner, or the admins of the organisation and who made it there, if they decide.
///
/// # Errors
/// The database does not answer.
pub async fn list_deciders(conn: &mut PgConnection, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select u.user_pk as "user_pk!" from repos r join users u on u.user_pk = r.namespace_pk where r.repo_pk = $1
           union
           select m.user_pk from repos r join organization_members m on m.organization_pk = r.namespace_pk
           where r.repo_pk = $1 and not is_locked_out(m.organization_pk, m.user_pk) and (
               m.role = 'admin'
               or (r.resource_group_pk is null and m.role in ('contributor', 'write') and m.user_pk = r.created_by)
               or exists (select from resource_group_members g
                          where g.resource_group_pk = r.resource_group_pk and g.user_pk = m.user_pk
                            and (g.role = 'admin' or (g.role in ('contributor', 'write') and m.user_pk = r.created_by))))
           limit $2"#,
        repo_pk,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Everything that people were asked for by a repository, by label; at most so many.
///
/// # Errors
/// The database does not answer.
pub async fn list_labels(pool: &PgPool, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct label as "label!" from access_requests cross join lateral jsonb_object_keys(answers) as label
           where repo_pk = $1 order by 1 limit $2"#,
        repo_pk,
        limit
    )
    .fetch_all(pool)
    .await
}
