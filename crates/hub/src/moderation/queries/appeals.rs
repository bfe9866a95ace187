//! Statements on appeals.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// An appeal.
#[derive(Debug, Clone)]
pub struct AppealRow {
    /// The key.
    pub appeal_pk: i64,
    /// Against which act.
    pub act_pk: i64,
    /// What it says.
    pub body: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether it was granted, if it is decided.
    pub granted: Option<bool>,
    /// What was answered.
    pub answer: String,
}

/// An appeal that waits, with what it is against.
#[derive(Debug, Clone)]
pub struct WaitingRow {
    /// The key.
    pub appeal_pk: i64,
    /// What it says.
    pub body: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What was done.
    pub act: String,
    /// Who did it.
    pub moderator: String,
    /// To what.
    pub subject: String,
    /// Its page.
    pub href: String,
    /// Why.
    pub reason: String,
    /// The case.
    pub case_pk: Option<i64>,
    /// Whether it is against what the viewer did.
    pub is_own: bool,
    /// Whether another moderator could decide about it.
    pub has_others: bool,
}

/// Makes the appeal against an act, and tells whether it is the first.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, act_pk: i64, text: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into moderation_appeals (act_pk, body) values ($1, $2) on conflict (act_pk) do nothing",
        act_pk,
        text
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Finds the appeal against an act.
///
/// # Errors
/// The database does not answer.
pub async fn find_of_act(pool: &PgPool, act_pk: i64) -> sqlx::Result<Option<AppealRow>> {
    sqlx::query_as!(
        AppealRow,
        "select appeal_pk, act_pk, body, created_at, granted, answer from moderation_appeals where act_pk = $1",
        act_pk
    )
    .fetch_optional(pool)
    .await
}

/// Finds an appeal, and locks it.
///
/// # Errors
/// The database does not answer.
pub async fn lock(conn: &mut PgConnection, appeal_pk: i64) -> sqlx::Result<Option<AppealRow>> {
    sqlx::query_as!(
        AppealRow,
        "select appeal_pk, act_pk, body, created_at, granted, answer from moderation_appeals where appeal_pk = $1 for update",
        appeal_pk
    )
    .fetch_optional(conn)
    .await
}

/// Whether an act is somebody's own, and whether another moderator could decide about an appeal against it: one whose own it is not, nor
/// their organisation's, unless they run the hub.
///
/// # Errors
/// The database does not answer.
pub async fn find_judges(conn: &mut PgConnection, act_pk: i64, moderator_pk: UserPk) -> sqlx::Result<(bool, bool)> {
    let row = sqlx::query!(
        r#"select a.moderator_pk = $2 as "is_own!", has_other_judges(a.moderator_pk, a.owner_pk) as "has_others!"
           from moderation_acts a where act_pk = $1"#,
        act_pk,
        moderator_pk
    );
    let row = row.fetch_one(conn).await?;
    Ok((row.is_own, row.has_others))
}

/// Writes down what became of an appeal.
///
/// # Errors
/// The database does not answer.
pub async fn decide(conn: &mut PgConnection, appeal_pk: i64, by: UserPk, granted: bool, answer: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update moderation_appeals set decided_at = now(), decided_by = $2, granted = $3, answer = $4 where appeal_pk = $1",
        appeal_pk,
        by,
        granted,
        answer
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Lists appeals that wait, the first first, as one of the moderators sees them.
///
/// # Errors
/// The database does not answer.
pub async fn list_waiting(pool: &PgPool, viewer_pk: UserPk, limit: i64) -> sqlx::Result<Vec<WaitingRow>> {
    sqlx::query_as!(
        WaitingRow,
        r#"select appeal_pk, p.body, p.created_at, act, moderator, subject, href, reason, case_pk, a.moderator_pk = $1 as "is_own!",
                  has_other_judges(a.moderator_pk, a.owner_pk) as "has_others!"
           from moderation_appeals p join moderation_acts a using (act_pk) where decided_at is null order by appeal_pk limit $2"#,
        viewer_pk,
        limit
    )
    .fetch_all(pool)
    .await
}
