//! Statements on trusted publishers, and on what their jobs showed and got.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// Somebody trusted.
#[derive(Debug, Clone)]
pub struct PublisherRow {
    /// The key.
    pub publisher_pk: i64,
    /// Who signs for its jobs.
    pub issuer: String,
    /// The repository there.
    pub project: String,
    /// The only file of a workflow, or empty.
    pub workflow: String,
    /// The only environment, or empty.
    pub environment: String,
    /// The only branch, or empty.
    pub branch: String,
    /// The id of the repository there, once a job has come from it.
    pub project_id: Option<String>,
    /// Who trusts it.
    pub added_by: UserPk,
    /// Their name.
    pub added_by_name: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When a job of it came last.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whom a repository and an organisation trust, oldest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_publishers(
    pool: &PgPool,
    repo_pk: Option<i64>,
    organization_pk: Option<i64>,
) -> sqlx::Result<Vec<PublisherRow>> {
    sqlx::query_as!(
        PublisherRow,
        "select p.publisher_pk, p.issuer, p.project, p.workflow, p.environment, p.branch, p.project_id, p.added_by,
                n.name as added_by_name, p.created_at, p.last_used_at
         from trusted_publishers p join namespaces n on n.namespace_pk = p.added_by
         where p.repo_pk = $1 or p.organization_pk = $2 order by p.publisher_pk limit 500",
        repo_pk,
        organization_pk
    )
    .fetch_all(pool)
    .await
}

/// Somebody to trust.
#[derive(Debug, Clone, Copy)]
pub struct NewPublisher<'a> {
    /// The repository that trusts it.
    pub repo_pk: Option<i64>,
    /// Or the organisation.
    pub organization_pk: Option<i64>,
    /// Who signs for its jobs.
    pub issuer: &'a str,
    /// The repository there.
    pub project: &'a str,
    /// The only file of a workflow, or empty.
    pub workflow: &'a str,
    /// The only environment, or empty.
    pub environment: &'a str,
    /// The only branch, or empty.
    pub branch: &'a str,
    /// Who trusts it.
    pub added_by: UserPk,
}

/// Counts whom a repository or an organisation trusts, to which nobody adds any until this transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, repo_pk: Option<i64>, organization_pk: Option<i64>) -> sqlx::Result<i64> {
    sqlx::query!("select from repos where repo_pk = $1 for no key update", repo_pk).fetch_optional(&mut *conn).await?;
    sqlx::query!("select from organizations where organization_pk = $1 for no key update", organization_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from trusted_publishers where repo_pk = $1 or organization_pk = $2"#,
        repo_pk,
        organization_pk
    )
    .fetch_one(conn)
    .await
}

/// Keeps whom somebody trusts.
///
/// # Errors
/// It is there already (`trusted_publishers_repo_idx`, `trusted_publishers_organization_idx`).
pub async fn insert_publisher(conn: &mut PgConnection, new: &NewPublisher<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into trusted_publishers (repo_pk, organization_pk, issuer, project, workflow, environment, branch, added_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.repo_pk,
        new.organization_pk,
        new.issuer,
        new.project,
        new.workflow,
        new.environment,
        new.branch,
        new.added_by
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Trusts somebody no longer, whose tokens end with it, and keeps what they were; tells whether they were trusted.
///
/// # Errors
/// The database does not answer.
pub async fn delete_publisher(
    conn: &mut PgConnection,
    repo_pk: Option<i64>,
    organization_pk: Option<i64>,
    publisher_pk: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with gone as (
             delete from trusted_publishers where publisher_pk = $3 and (repo_pk = $1 or organization_pk = $2)
             returning publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch, project_id, added_by,
                       created_at, last_used_at
         )
         insert into deleted_publishers (publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch,
                                         project_id, added_by, created_at, last_used_at)
         select publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch, project_id, added_by,
                created_at, last_used_at from gone",
        repo_pk,
        organization_pk,
        publisher_pk
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Somebody who was trusted, and can be again.
#[derive(Debug, Clone)]
pub struct RemovedRow {
    /// The key.
    pub publisher_pk: i64,
    /// Who signs for its jobs.
    pub issuer: String,
    /// The repository there.
    pub project: String,
    /// The only file of a workflow, or empty.
    pub workflow: String,
    /// The only environment, or empty.
    pub environment: String,
    /// The only branch, or empty.
    pub branch: String,
    /// Since when it is trusted no more.
    pub deleted_at: DateTime<Utc>,
}

/// Whom a repository or an organisation trusted until a time or later, and trusts no more: the last removed first.
///
/// # Errors
/// The database does not answer.
pub async fn list_removed(
    pool: &PgPool,
    repo_pk: Option<i64>,
    organization_pk: Option<i64>,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<RemovedRow>> {
    sqlx::query_as!(
        RemovedRow,
        "select publisher_pk, issuer, project, workflow, environment, branch, deleted_at from deleted_publishers
         where (repo_pk = $1 or organization_pk = $2) and deleted_at > $3 order by deleted_at desc, publisher_pk desc limit $4",
        repo_pk,
        organization_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Trusts somebody again who was removed since a time, as before; tells whether there is one.
///
/// # Errors
/// It was added again (`trusted_publishers_repo_idx`, `trusted_publishers_organization_idx`).
pub async fn restore_publisher(
    conn: &mut PgConnection,
    repo_pk: Option<i64>,
    organization_pk: Option<i64>,
    publisher_pk: i64,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with back as (
             delete from deleted_publishers
             where publisher_pk = $3 and (repo_pk = $1 or organization_pk = $2) and deleted_at > $4
             returning publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch, project_id, added_by,
                       created_at, last_used_at
         )
         insert into trusted_publishers (publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch,
                                         project_id, added_by, created_at, last_used_at)
         overriding system value
         select publisher_pk, repo_pk, organization_pk, issuer, project, workflow, environment, branch, project_id, added_by,
                created_at, last_used_at from back",
        repo_pk,
        organization_pk,
        publisher_pk,
        since
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that a job of a publisher came, and of which repository there. Tells whether it is still trusted and that repository still it.
///
/// # Errors
/// The database does not answer.
pub async fn mark_used(conn: &mut PgConnection, publisher_pk: i64, project_id: Option<&str>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update trusted_publishers set last_used_at = now(), project_id = coalesce(project_id, $2)
         where publisher_pk = $1 and (project_id is null or project_id = $2)",
        publisher_pk,
        project_id
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Notes that an ID token was exchanged, and tells whether it was not before.
///
/// # Errors
/// The database does not answer.
pub async fn use_id_token(conn: &mut PgConnection, hash: &[u8], expires_at: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into exchanged_id_tokens (token_hash, expires_at) values ($1, $2) on conflict do nothing",
        hash,
        expires_at
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// A token for a job.
#[derive(Debug)]
pub struct NewJobToken<'a> {
    /// The publisher.
    pub publisher_pk: i64,
    /// The one repository it is for.
    pub repo_pk: i64,
    /// Whose account it acts by.
    pub user_pk: UserPk,
    /// What the publisher is called.
    pub name: &'a str,
    /// Its SHA-256.
    pub hash: &'a [u8],
    /// Its end.
    pub hint: &'a str,
    /// What it may do.
    pub rights: &'a Value,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// Keeps a token for a job.
///
/// # Errors
/// The database does not answer.
pub async fn insert_job_token(conn: &mut PgConnection, token: &NewJobToken<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into access_tokens (publisher_pk, publisher_repo_pk, user_pk, name, token_hash, hint, role, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, 'fineGrained', $7, $8)",
        token.publisher_pk,
        token.repo_pk,
        token.user_pk,
        token.name,
        token.hash,
        token.hint,
        token.rights,
        token.expires_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Forgets tokens of jobs that are over, and ID tokens that nobody could show again.
///
/// # Errors
/// The database does not answer.
pub async fn delete_over(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from access_tokens where token_pk in (
             select token_pk from access_tokens where publisher_pk is not null and expires_at < now() - interval '1 hour'
             for update skip locked)"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from exchanged_id_tokens where expires_at < now() - interval '1 hour'").execute(conn).await?;
    Ok(())
}
