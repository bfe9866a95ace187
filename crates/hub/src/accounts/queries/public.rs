//! Statements on what everybody may know of users and organisations.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A user or organisation as everybody sees it.
#[derive(Debug, Clone)]
pub struct OwnerRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// What they say about themselves.
    pub details: String,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl OwnerRow {
    /// The full name, or the name of those who gave none.
    pub fn display_name(&self) -> &str {
        if self.fullname.is_empty() { &self.name } else { &self.fullname }
    }
}

/// Finds a user by name, or by one that they had.
///
/// # Errors
/// The database does not answer.
pub async fn find_public_user(pool: &PgPool, name: &str) -> sqlx::Result<Option<OwnerRow>> {
    sqlx::query_as!(
        OwnerRow,
        "select namespace_pk, name, fullname, details, created_at from users join namespaces on namespace_pk = user_pk
         where namespace_pk = (select namespace_called($1)) and deletes_at is null
           and not exists (select from closed_organizations c where c.organization_pk = users.service_of)",
        name
    )
    .fetch_optional(pool)
    .await
}

/// Finds an organisation by name, or by one that it had.
///
/// # Errors
/// The database does not answer.
pub async fn find_public_organization(pool: &PgPool, name: &str) -> sqlx::Result<Option<OwnerRow>> {
    sqlx::query_as!(
        OwnerRow,
        "select namespace_pk, name, fullname, details, created_at from organizations
         join namespaces on namespace_pk = organization_pk
         where namespace_pk = (select namespace_called($1)) and kind <> 'deleted'",
        name
    )
    .fetch_optional(pool)
    .await
}

/// Lists the organisations of a user by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_public_organizations(pool: &PgPool, user_pk: i64) -> sqlx::Result<Vec<OwnerRow>> {
    sqlx::query_as!(
        OwnerRow,
        "select n.namespace_pk, n.name, o.fullname, o.details, n.created_at from organization_members m
         join organizations o using (organization_pk) join namespaces n on n.namespace_pk = m.organization_pk
         where m.user_pk = $1 order by lower(n.name) limit 500",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Lists members of an organisation by key, those after `after`, each with the stored word for their role.
///
/// # Errors
/// The database does not answer.
pub async fn list_public_members(
    pool: &PgPool,
    organization_pk: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<(OwnerRow, String)>> {
    let rows = sqlx::query!(
        "select n.namespace_pk, n.name, u.fullname, u.details, n.created_at, m.role from organization_members m
         join users u using (user_pk) join namespaces n on n.namespace_pk = m.user_pk
         where m.organization_pk = $1 and m.user_pk > $2 order by m.user_pk limit $3",
        organization_pk,
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    let members = rows.into_iter().map(|row| {
        let owner = OwnerRow {
            namespace_pk: row.namespace_pk,
            name: row.name,
            fullname: row.fullname,
            details: row.details,
            created_at: row.created_at,
        };
        (owner, row.role)
    });
    Ok(members.collect())
}

/// Counts the members of an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn count_members(pool: &PgPool, organization_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from organization_members where organization_pk = $1"#, organization_pk)
        .fetch_one(pool)
        .await
}
