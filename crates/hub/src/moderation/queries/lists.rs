//! What moderators look at: the queue, reports and notes of a case, the history of an account, the log.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{ActRow, CaseRow};
use crate::accounts::UserPk;

/// Which cases.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of a category.
    pub category: Option<String>,
    /// Only about things of a kind.
    pub kind: Option<String>,
}

/// Lists open cases, the most urgent first.
///
/// # Errors
/// The database does not answer.
pub async fn list_open(pool: &PgPool, filter: &Filter, offset: i64, limit: i64) -> sqlx::Result<Vec<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"select case_pk, subject_kind, subject_pk, owner_pk, n.name as "owner?",
                  coalesce(n.kind = 'user', false)
                      or exists (select from deleted_service_accounts d where d.user_pk = owner_pk) as "owner_is_user!",
                  subject, href, excerpt, category, reports, opened_at, closed_at, outcome
           from moderation_cases left join namespaces n on n.namespace_pk = owner_pk
           where closed_at is null and ($1::text is null or category = $1) and ($2::text is null or subject_kind = $2)
           order by priority desc, case_pk offset $3 limit $4"#,
        filter.category.as_deref(),
        filter.kind.as_deref(),
        offset,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Lists cases that were decided, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list_closed(pool: &PgPool, filter: &Filter, offset: i64, limit: i64) -> sqlx::Result<Vec<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"select case_pk, subject_kind, subject_pk, owner_pk, n.name as "owner?",
                  coalesce(n.kind = 'user', false)
                      or exists (select from deleted_service_accounts d where d.user_pk = owner_pk) as "owner_is_user!",
                  subject, href, excerpt, category, reports, opened_at, closed_at, outcome
           from moderation_cases left join namespaces n on n.namespace_pk = owner_pk
           where closed_at is not null and ($1::text is null or category = $1) and ($2::text is null or subject_kind = $2)
           order by closed_at desc, case_pk offset $3 limit $4"#,
        filter.category.as_deref(),
        filter.kind.as_deref(),
        offset,
        limit
    )
    .fetch_all(pool)
    .await
}

/// How many cases and appeals wait.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Cases.
    pub cases: i64,
    /// Appeals.
    pub appeals: i64,
}

/// Counts what waits for a decision.
///
/// # Errors
/// The database does not answer.
pub async fn count_waiting(pool: &PgPool) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"select (select count(*) from moderation_cases where closed_at is null) as "cases!",
                  (select count(*) from moderation_appeals where decided_at is null) as "appeals!""#
    )
    .fetch_one(pool)
    .await
}

/// A report, as moderators see it.
#[derive(Debug, Clone)]
pub struct ReportRow {
    /// Who sent it.
    pub reporter: Option<String>,
    /// The rule that found it, where nobody reported it.
    pub rule: Option<String>,
    /// What is wrong.
    pub category: String,
    /// What they say.
    pub body: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Lists the reports of a case, the first first.
///
/// # Errors
/// The database does not answer.
pub async fn list_reports(pool: &PgPool, case_pk: i64, limit: i64) -> sqlx::Result<Vec<ReportRow>> {
    sqlx::query_as!(
        ReportRow,
        r#"select n.name as "reporter?", rule, category, body, r.created_at
           from moderation_reports r left join namespaces n on n.namespace_pk = reporter_pk
           where case_pk = $1 order by report_pk limit $2"#,
        case_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A note of a moderator.
#[derive(Debug, Clone)]
pub struct NoteRow {
    /// Whose.
    pub author: Option<String>,
    /// What it says.
    pub body: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Lists the notes of a case, the first first.
///
/// # Errors
/// The database does not answer.
pub async fn list_notes(pool: &PgPool, case_pk: i64, limit: i64) -> sqlx::Result<Vec<NoteRow>> {
    sqlx::query_as!(
        NoteRow,
        r#"select n.name as "author?", body, m.created_at
           from moderation_notes m left join namespaces n on n.namespace_pk = author_pk
           where case_pk = $1 order by note_pk limit $2"#,
        case_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Lists other cases about what somebody has, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list_earlier(pool: &PgPool, owner_pk: i64, but: i64, limit: i64) -> sqlx::Result<Vec<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"select case_pk, subject_kind, subject_pk, owner_pk, n.name as "owner?",
                  coalesce(n.kind = 'user', false)
                      or exists (select from deleted_service_accounts d where d.user_pk = owner_pk) as "owner_is_user!",
                  subject, href, excerpt, category, reports, opened_at, closed_at, outcome
           from moderation_cases left join namespaces n on n.namespace_pk = owner_pk
           where owner_pk = $1 and case_pk <> $2 order by case_pk desc limit $3"#,
        owner_pk,
        but,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Lists acts before one, the last first: all, or about what somebody has.
///
/// # Errors
/// The database does not answer.
pub async fn list_acts(pool: &PgPool, owner_pk: Option<i64>, before: i64, limit: i64) -> sqlx::Result<Vec<ActRow>> {
    sqlx::query_as!(
        ActRow,
        r#"select act_pk, case_pk, moderator, act, owner_pk, subject, href, category, reason, created_at, batch,
                  exists (select from moderation_acts u where u.undoes = a.act_pk) as "undone!"
           from moderation_acts a where ($1::bigint is null or owner_pk = $1) and act_pk < $2 order by act_pk desc limit $3"#,
        owner_pk,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Lists acts about what some namespaces have, the last first. What was dismissed is none of theirs.
///
/// # Errors
/// The database does not answer.
pub async fn list_acts_about(pool: &PgPool, owner_pks: &[i64], limit: i64) -> sqlx::Result<Vec<ActRow>> {
    sqlx::query_as!(
        ActRow,
        r#"select act_pk, case_pk, moderator, act, owner_pk, subject, href, category, reason, created_at, batch,
                  exists (select from moderation_acts u where u.undoes = a.act_pk) as "undone!"
           from moderation_acts a where owner_pk = any($1) and act not in ('dismiss', 'restore') order by act_pk desc limit $2"#,
        owner_pks,
        limit
    )
    .fetch_all(pool)
    .await
}

/// A report, as who sent it sees it.
#[derive(Debug, Clone)]
pub struct OwnReportRow {
    /// What it is about.
    pub subject: String,
    /// Its page.
    pub href: String,
    /// What was wrong.
    pub category: String,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// What came of it, if somebody decided.
    pub outcome: Option<String>,
}

/// Lists somebody's reports, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list_own(pool: &PgPool, user_pk: UserPk, limit: i64) -> sqlx::Result<Vec<OwnReportRow>> {
    sqlx::query_as!(
        OwnReportRow,
        "select subject, href, r.category, r.created_at, outcome
         from moderation_reports r join moderation_cases using (case_pk) where reporter_pk = $1 order by report_pk desc limit $2",
        user_pk,
        limit
    )
    .fetch_all(pool)
    .await
}
