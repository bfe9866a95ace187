//! Statements for looking at files: what was pushed, and who is told.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// Refs that moved.
#[derive(Debug)]
pub struct RefEventRow {
    /// The key; later ones of a repository are higher.
    pub event_pk: i64,
    /// Who moved them.
    pub actor_pk: Option<i64>,
    /// `{"ref", "old", "new"}` of each.
    pub refs: Option<Value>,
}

/// The last events of a repository in which refs moved, the newest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_ref_events(conn: &mut PgConnection, repo_pk: i64, limit: i64) -> sqlx::Result<Vec<RefEventRow>> {
    sqlx::query_as!(
        RefEventRow,
        "select event_pk, actor_pk, payload -> 'refs' as refs from events
         where repo_pk = $1 and payload ? 'refs' order by event_pk desc limit $2",
        repo_pk,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Who answers for a namespace: a user, or the admins of an organisation, twenty at most.
///
/// # Errors
/// The database does not answer.
pub async fn list_owners(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select user_pk as "user_pk!" from (
               select user_pk from users where user_pk = $1
               union select user_pk from organization_members
               where organization_pk = $1 and role = 'admin' and not is_locked_out(organization_pk, user_pk)) owners
           order by 1 limit 20"#,
        namespace_pk
    )
    .fetch_all(pool)
    .await
}
