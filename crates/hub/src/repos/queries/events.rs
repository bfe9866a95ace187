//! Statements that append to the history of what was done to repositories.

use sqlx::PgConnection;

/// Appends to a repository's history of what was done to it.
///
/// # Errors
/// The database does not answer.
pub async fn insert_event(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    kind: &str,
    payload: serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into events (repo_pk, actor_pk, kind, payload) values ($1, $2, $3, $4)",
        repo_pk,
        actor_pk,
        kind,
        payload
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Appends an event in which refs moved, and has the files looked at that came, a second later: what comes in a burst is looked at
/// once. One statement, for it is on the way of every commit.
///
/// # Errors
/// The database does not answer.
pub async fn insert_ref_event(
    conn: &mut PgConnection,
    repo_pk: i64,
    actor_pk: Option<i64>,
    kind: &str,
    payload: serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with scan as (
             insert into jobs (kind, dedup_key, payload, run_at)
             values ('scan_files', $1::bigint::text, jsonb_build_object('repo_pk', $1::bigint), now() + interval '1 second')
             on conflict (kind, dedup_key) where failed_at is null and locked_until is null do nothing)
         insert into events (repo_pk, actor_pk, kind, payload) values ($1, $2, $3, $4)",
        repo_pk,
        actor_pk,
        kind,
        payload
    )
    .execute(conn)
    .await
    .map(|_| ())
}
