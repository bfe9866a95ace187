//! Statements on service accounts.

pub mod deleted;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::UserPk;

/// A service account of an organisation.
#[derive(Debug, Clone)]
pub struct ServiceAccountRow {
    /// The key.
    pub user_pk: UserPk,
    /// The name.
    pub name: String,
    /// What it is for, possibly nothing.
    pub details: String,
    /// The stored word for its role in the organisation.
    pub role: String,
    /// Since when it is disabled, if it is.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When moderators suspended it, if they did.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many tokens it has.
    pub tokens: i64,
    /// When one of those was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The service accounts of an organisation by name, or the one of a name.
///
/// # Errors
/// The database does not answer.
pub async fn list_service_accounts(
    pool: &PgPool,
    organization_pk: i64,
    name: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<ServiceAccountRow>> {
    sqlx::query_as!(
        ServiceAccountRow,
        r#"select u.user_pk, n.name, u.details, coalesce(m.role, 'read') as "role!", u.service_disabled_at as disabled_at,
                  u.suspended_at, n.created_at, t.tokens as "tokens!", t.last_used_at
           from users u join namespaces n on n.namespace_pk = u.user_pk
           left join organization_members m on m.organization_pk = u.service_of and m.user_pk = u.user_pk
           cross join lateral (
               select count(*) as tokens, max(last_used_at) as last_used_at from access_tokens a where a.user_pk = u.user_pk
           ) t
           where u.service_of = $1 and ($2::text is null or lower(n.name) = lower($2)) order by lower(n.name) limit $3"#,
        organization_pk,
        name,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Counts the service accounts of an organisation, to which nobody adds any until this transaction ends; nothing if it is being deleted.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query!("select from organizations where organization_pk = $1 for no key update", organization_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        "select case when exists (select from namespaces where namespace_pk = $1 and kind = 'organization')
                then (select count(*) from users where service_of = $1) end",
        organization_pk
    )
    .fetch_one(conn)
    .await
}

/// Makes a service account in its namespace. Its address is nobody's, and is never shown or written to: the column wants one.
///
/// # Errors
/// The database does not answer.
pub async fn insert(conn: &mut PgConnection, user_pk: UserPk, organization_pk: i64, details: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into users (user_pk, email, password_hash, details, service_of)
         values ($1, gen_random_uuid()::text || '@services.invalid', '', $2, $3)",
        user_pk,
        details,
        organization_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Changes what a service account is for.
///
/// # Errors
/// The database does not answer.
pub async fn update_details(conn: &mut PgConnection, user_pk: UserPk, details: &str) -> sqlx::Result<()> {
    sqlx::query!("update users set details = $2 where user_pk = $1 and service_of is not null", user_pk, details)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Disables a service account, or enables it.
///
/// # Errors
/// The database does not answer.
pub async fn update_disabled(conn: &mut PgConnection, user_pk: UserPk, disabled: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set service_disabled_at = case when $2 then coalesce(service_disabled_at, now()) end
         where user_pk = $1 and service_of is not null",
        user_pk,
        disabled
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes part in the organisation of a service account: whoever closes it holds it before its members and their accounts.
///
/// # Errors
/// The database does not answer.
pub async fn hold_home(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "select organization_pk from organizations
         where organization_pk = (select service_of from users where user_pk = $1) for key share",
        user_pk
    )
    .fetch_optional(conn)
    .await
    .map(|_| ())
}

/// Counts the tokens of an account.
///
/// # Errors
/// The database does not answer.
pub async fn count_tokens(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from access_tokens where user_pk = $1"#, user_pk).fetch_one(conn).await
}

/// Whether an account is a service account.
///
/// # Errors
/// The database does not answer.
pub async fn is_service(conn: impl PgExecutor<'_>, user_pk: UserPk) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where user_pk = $1 and service_of is not null) as "service!""#,
        user_pk
    )
    .fetch_one(conn)
    .await
}

/// Somebody who looks after a service account.
#[derive(Debug)]
pub struct KeeperRow {
    /// Who.
    pub user_pk: UserPk,
    /// The organisation.
    pub organization: String,
}

/// The admins of the organisation of a service account, twenty at most; nobody for other accounts.
///
/// # Errors
/// The database does not answer.
pub async fn list_keepers(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<Vec<KeeperRow>> {
    sqlx::query_as!(
        KeeperRow,
        "select m.user_pk, n.name as organization from users u
         join organization_members m on m.organization_pk = u.service_of join namespaces n on n.namespace_pk = u.service_of
         where u.user_pk = $1 and m.role = 'admin' order by m.user_pk limit 20",
        user_pk
    )
    .fetch_all(conn)
    .await
}
