//! Statements on reports, cases, acts and appeals.

pub mod appeals;
pub mod bulk;
pub mod deleted;
pub mod effects;
pub mod lists;
pub mod organizations;
pub mod removal;
pub mod replies;
pub mod rules;
pub mod statistics;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::acts::Decision;
use super::category::Category;
use super::subject::Subject;
use crate::accounts::UserPk;

/// The most people who are told of one decision.
const MOST_TOLD: i64 = 1_000;

/// A comment that is reported.
#[derive(Debug)]
pub struct CommentRow {
    /// The key.
    pub event_pk: i64,
    /// Whose it is.
    pub author_pk: Option<i64>,
    /// Their name.
    pub author: Option<String>,
    /// What it says.
    pub body: String,
}

/// Finds a comment by its id.
///
/// # Errors
/// The database does not answer.
pub async fn find_comment(pool: &PgPool, discussion_pk: i64, id: &str) -> sqlx::Result<Option<CommentRow>> {
    sqlx::query_as!(
        CommentRow,
        r#"select event_pk, author_pk, n.name as "author?", body
           from discussion_events left join namespaces n on n.namespace_pk = author_pk
           where discussion_pk = $1 and public_id = $2 and discussion_events.kind = 'comment'"#,
        discussion_pk,
        id
    )
    .fetch_optional(pool)
    .await
}

/// What the first comment of a discussion says.
///
/// # Errors
/// The database does not answer.
pub async fn first_comment(pool: &PgPool, discussion_pk: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select body from discussion_events where discussion_pk = $1 and kind = 'comment' order by event_pk limit 1",
        discussion_pk
    )
    .fetch_optional(pool)
    .await
}

/// How many reports somebody sent in the last hour.
///
/// # Errors
/// The database does not answer.
pub async fn count_reports_lately(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from moderation_reports where reporter_pk = $1 and created_at > now() - interval '1 hour' limit 100) lately"#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Gives the open case of a thing, which is made if there is none, and locks it.
///
/// # Errors
/// The database does not answer.
pub async fn open_case(conn: &mut PgConnection, subject: &Subject, category: Category) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into moderation_cases (subject_kind, subject_pk, owner_pk, subject, href, excerpt, category, weight)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (subject_kind, subject_pk) where closed_at is null do update set subject = excluded.subject
         returning case_pk",
        subject.kind.as_str(),
        subject.pk,
        subject.owner_pk,
        subject.name,
        subject.href,
        subject.excerpt,
        category.as_str(),
        category.weight()
    )
    .fetch_one(conn)
    .await
}

/// Adds somebody's report to a case, and tells whether it was their first.
///
/// # Errors
/// The database does not answer.
pub async fn insert_report(
    conn: &mut PgConnection,
    case_pk: i64,
    reporter_pk: UserPk,
    category: Category,
    text: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into moderation_reports (case_pk, reporter_pk, category, body) values ($1, $2, $3, $4)
         on conflict (case_pk, reporter_pk) do nothing",
        case_pk,
        reporter_pk,
        category.as_str(),
        text
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Counts a report of a category in a case.
///
/// # Errors
/// The database does not answer.
pub async fn weigh_case(conn: &mut PgConnection, case_pk: i64, category: Category) -> sqlx::Result<()> {
    sqlx::query!(
        "update moderation_cases set reports = reports + 1, category = case when weight < $3 then $2 else category end,
                weight = greatest(weight, $3) where case_pk = $1",
        case_pk,
        category.as_str(),
        category.weight()
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A case.
#[derive(Debug, Clone)]
pub struct CaseRow {
    /// The key.
    pub case_pk: i64,
    /// What kind of thing it is about.
    pub subject_kind: String,
    /// The thing's key.
    pub subject_pk: i64,
    /// Whose it is.
    pub owner_pk: Option<i64>,
    /// Their name now.
    pub owner: Option<String>,
    /// Whether that is a user.
    pub owner_is_user: bool,
    /// What the thing is called.
    pub subject: String,
    /// Its page.
    pub href: String,
    /// What it said when it was reported.
    pub excerpt: String,
    /// The gravest category.
    pub category: String,
    /// How many reported it.
    pub reports: i32,
    /// When it was first reported.
    pub opened_at: DateTime<Utc>,
    /// When somebody decided.
    pub closed_at: Option<DateTime<Utc>>,
    /// What came of it: `acted` or `dismissed`.
    pub outcome: Option<String>,
}

/// Finds a case.
///
/// # Errors
/// The database does not answer.
pub async fn find_case(conn: impl PgExecutor<'_>, case_pk: i64) -> sqlx::Result<Option<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"select case_pk, subject_kind, subject_pk, owner_pk, n.name as "owner?",
                  coalesce(n.kind = 'user', false)
                      or exists (select from deleted_service_accounts d where d.user_pk = owner_pk) as "owner_is_user!",
                  subject, href, excerpt, category, reports, opened_at, closed_at, outcome
           from moderation_cases left join namespaces n on n.namespace_pk = owner_pk where case_pk = $1"#,
        case_pk
    )
    .fetch_optional(conn)
    .await
}

/// Closes a case.
///
/// # Errors
/// The database does not answer.
pub async fn close_case(conn: &mut PgConnection, case_pk: i64, acted: bool) -> sqlx::Result<()> {
    let outcome = if acted { "acted" } else { "dismissed" };
    sqlx::query!("update moderation_cases set closed_at = now(), outcome = $2 where case_pk = $1", case_pk, outcome)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Writes down what a moderator does about a case.
///
/// # Errors
/// The database does not answer.
pub async fn insert_act(
    conn: &mut PgConnection,
    (moderator_pk, moderator): (UserPk, &str),
    case: &CaseRow,
    decision: &Decision,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into moderation_acts (case_pk, moderator_pk, moderator, act, subject_kind, subject_pk, owner_pk, subject, href,
                                      category, reason, batch)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning act_pk",
        case.case_pk,
        moderator_pk,
        moderator,
        decision.act.as_str(),
        case.subject_kind,
        case.subject_pk,
        case.owner_pk,
        case.subject,
        case.href,
        decision.category.as_str(),
        decision.reason,
        decision.batch
    )
    .fetch_one(conn)
    .await
}

/// Writes down that an act is taken back, by itself or with others.
///
/// # Errors
/// It was taken back already (`moderation_acts_undoes_idx`).
pub async fn insert_undo(
    conn: &mut PgConnection,
    (moderator_pk, moderator): (UserPk, &str),
    act: &ActRow,
    (reason, batch): (&str, Option<i64>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into moderation_acts (case_pk, moderator_pk, moderator, act, subject_kind, subject_pk, owner_pk, subject, href,
                                      category, reason, undoes, batch)
         select case_pk, $2, $3, 'restore', subject_kind, subject_pk, owner_pk, subject, href, category, $4, act_pk, $5
         from moderation_acts where act_pk = $1",
        act.act_pk,
        moderator_pk,
        moderator,
        reason,
        batch
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// What a moderator did.
#[derive(Debug, Clone)]
pub struct ActRow {
    /// The key.
    pub act_pk: i64,
    /// The case it decided.
    pub case_pk: Option<i64>,
    /// Who did it.
    pub moderator: String,
    /// What was done.
    pub act: String,
    /// Whose thing it is.
    pub owner_pk: Option<i64>,
    /// What the thing is called.
    pub subject: String,
    /// Its page.
    pub href: String,
    /// What was wrong.
    pub category: String,
    /// The public sentence.
    pub reason: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// The number of what it was done with at once.
    pub batch: Option<i64>,
    /// Whether it was taken back.
    pub undone: bool,
}

impl ActRow {
    /// Whether it did something that can be taken back, if it stands.
    pub fn does_something(&self) -> bool {
        !matches!(self.act.as_str(), "dismiss" | "restore")
    }
}

/// Finds an act.
///
/// # Errors
/// The database does not answer.
pub async fn find_act(conn: impl PgExecutor<'_>, act_pk: i64) -> sqlx::Result<Option<ActRow>> {
    sqlx::query_as!(
        ActRow,
        r#"select act_pk, case_pk, moderator, act, owner_pk, subject, href, category, reason, created_at, batch,
                  exists (select from moderation_acts u where u.undoes = a.act_pk) as "undone!"
           from moderation_acts a where act_pk = $1"#,
        act_pk
    )
    .fetch_optional(conn)
    .await
}

/// The last act that covers something and stands, by which it is disabled.
///
/// # Errors
/// The database does not answer.
pub async fn find_standing(pool: &PgPool, kind: &str, pk: i64) -> sqlx::Result<Option<ActRow>> {
    sqlx::query_as!(
        ActRow,
        r#"select a.act_pk, case_pk, moderator, act, owner_pk, subject, href, category, reason, created_at, batch, false as "undone!"
           from moderation_covers c join moderation_acts a using (act_pk)
           where c.kind = $1 and c.pk = $2 and not exists (select from moderation_acts u where u.undoes = a.act_pk)
           order by a.act_pk desc limit 1"#,
        kind,
        pk
    )
    .fetch_optional(pool)
    .await
}

/// The act by which an account is suspended.
///
/// # Errors
/// The database does not answer.
pub async fn find_standing_suspension(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Option<ActRow>> {
    find_standing(pool, "user", user_pk).await
}

/// Whether a namespace is a user's, also that of a deleted service account that can come back.
///
/// # Errors
/// The database does not answer.
pub async fn is_user(conn: &mut PgConnection, namespace_pk: Option<i64>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where user_pk = $1)
               or exists (select from deleted_service_accounts where user_pk = $1) as "is_user!""#,
        namespace_pk
    )
    .fetch_one(conn)
    .await
}

/// Who reported a thing.
///
/// # Errors
/// The database does not answer.
pub async fn list_reporters(conn: &mut PgConnection, case_pk: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        r#"select reporter_pk as "reporter_pk!" from moderation_reports where case_pk = $1 and reporter_pk is not null
           order by report_pk limit $2"#,
        case_pk,
        MOST_TOLD
    )
    .fetch_all(conn)
    .await
}

/// Who answers for a namespace: its user, or the admins of the organisation, also of one that is being deleted.
///
/// # Errors
/// The database does not answer.
pub async fn list_responsible(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        r#"select user_pk as "user_pk!" from (
               select user_pk from users where user_pk = $1
               union all
               select user_pk from organization_members where organization_pk = $1 and role = 'admin'
               union all
               select user_pk from closed_organization_members where organization_pk = $1 and role = 'admin') people
           limit $2"#,
        namespace_pk,
        MOST_TOLD
    )
    .fetch_all(conn)
    .await
}

/// Adds a note to a case.
///
/// # Errors
/// The database does not answer.
pub async fn insert_note(pool: &PgPool, case_pk: i64, author_pk: UserPk, text: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into moderation_notes (case_pk, author_pk, body) values ($1, $2, $3)", case_pk, author_pk, text)
        .execute(pool)
        .await
        .map(|_| ())
}
