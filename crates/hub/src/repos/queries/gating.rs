//! Statements on requests for access to gated repositories.

mod announce;
mod decide;
mod listing;
mod undo;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

pub use self::announce::{last_told, list_deciders, take_untold};
pub use self::decide::{DecidedRow, GrantedRow, NamedUser, NewDecision, decide, find_users, grant};
pub use self::listing::{OwnRequestRow, RequestRow, StatusCount, count_by_status, list_labels, list_own, list_requests};
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
