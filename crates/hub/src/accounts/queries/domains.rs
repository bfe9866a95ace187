//! Statements on the mail domains of organisations.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::accounts::{OrgRole, UserPk};

/// A mail domain of an organisation.
#[derive(Debug, Clone)]
pub struct DomainRow {
    /// The key.
    pub domain_pk: i64,
    /// The domain, in lower case.
    pub domain: String,
    /// What the file at the domain must say.
    pub challenge: String,
    /// The stored word for the role of who joins by it.
    pub role: String,
    /// When it was proven, if it was.
    pub proven_at: Option<DateTime<Utc>>,
}

/// The domains of an organisation by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_domains(pool: &PgPool, organization_pk: i64) -> sqlx::Result<Vec<DomainRow>> {
    sqlx::query_as!(
        DomainRow,
        "select domain_pk, domain, challenge, role, proven_at from organization_domains
         where organization_pk = $1 order by domain limit 100",
        organization_pk
    )
    .fetch_all(pool)
    .await
}

/// Finds a domain of an organisation.
///
/// # Errors
/// The database does not answer.
pub async fn find_domain(pool: &PgPool, organization_pk: i64, domain_pk: i64) -> sqlx::Result<Option<DomainRow>> {
    sqlx::query_as!(
        DomainRow,
        "select domain_pk, domain, challenge, role, proven_at from organization_domains
         where organization_pk = $1 and domain_pk = $2",
        organization_pk,
        domain_pk
    )
    .fetch_optional(pool)
    .await
}

/// Whether a domain is proven to be another organisation's.
///
/// # Errors
/// The database does not answer.
pub async fn is_of_another(conn: impl PgExecutor<'_>, organization_pk: i64, domain: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from organization_domains
                          where domain = $2 and proven_at is not null and organization_pk <> $1) as "taken!""#,
        organization_pk,
        domain
    )
    .fetch_one(conn)
    .await
}

/// Counts the domains of an organisation, to which nobody adds any until this transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<i64> {
    sqlx::query!("select from organizations where organization_pk = $1 for no key update", organization_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from organization_domains where organization_pk = $1"#, organization_pk)
        .fetch_one(conn)
        .await
}

/// Adds a domain that is to be proven.
///
/// # Errors
/// The organisation has it (`organization_domains_organization_pk_domain_key`).
pub async fn insert_domain(
    conn: &mut PgConnection,
    organization_pk: i64,
    domain: &str,
    challenge: &str,
    role: OrgRole,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organization_domains (organization_pk, domain, challenge, role) values ($1, $2, $3, $4)",
        organization_pk,
        domain,
        challenge,
        role.as_str()
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that a domain is looked at, and tells whether it was not in the last seconds.
///
/// # Errors
/// The database does not answer.
pub async fn mark_checked(pool: &PgPool, domain_pk: i64, pause_secs: f64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update organization_domains set checked_at = now()
         where domain_pk = $1 and (checked_at is null or checked_at < now() - make_interval(secs => $2))",
        domain_pk,
        pause_secs
    );
    Ok(done.execute(pool).await?.rows_affected() == 1)
}

/// Notes that a domain is proven, and tells whether it is there still.
///
/// # Errors
/// It is another organisation's (`organization_domains_proven_idx`).
pub async fn mark_proven(conn: &mut PgConnection, domain_pk: i64) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update organization_domains set proven_at = coalesce(proven_at, now()) where domain_pk = $1", domain_pk);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Changes the role of who joins by a domain, and tells whether it is there.
///
/// # Errors
/// The database does not answer.
pub async fn update_role(conn: &mut PgConnection, organization_pk: i64, domain_pk: i64, role: OrgRole) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update organization_domains set role = $3 where organization_pk = $1 and domain_pk = $2",
        organization_pk,
        domain_pk,
        role.as_str()
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Removes a domain, and keeps what it was; tells whether it was there.
///
/// # Errors
/// The database does not answer.
pub async fn delete_domain(conn: &mut PgConnection, organization_pk: i64, domain_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with gone as (
             delete from organization_domains where organization_pk = $1 and domain_pk = $2
             returning domain_pk, organization_pk, domain, challenge, role, created_at
         )
         insert into deleted_domains (domain_pk, organization_pk, domain, challenge, role, created_at)
         select domain_pk, organization_pk, domain, challenge, role, created_at from gone",
        organization_pk,
        domain_pk
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// A domain that was removed, and can come back.
#[derive(Debug, Clone)]
pub struct RemovedDomain {
    /// The key.
    pub domain_pk: i64,
    /// The domain.
    pub domain: String,
    /// When it was removed.
    pub deleted_at: DateTime<Utc>,
}

/// The domains of an organisation that were removed since a time, the last removed first.
///
/// # Errors
/// The database does not answer.
pub async fn list_removed(
    pool: &PgPool,
    organization_pk: i64,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<RemovedDomain>> {
    sqlx::query_as!(
        RemovedDomain,
        "select domain_pk, domain, deleted_at from deleted_domains
         where organization_pk = $1 and deleted_at > $2 order by deleted_at desc, domain_pk desc limit $3",
        organization_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Brings back a domain that was removed since a time, with its role and what proves it, not proven; tells its name, if there is one.
///
/// # Errors
/// The organisation has it (`organization_domains_organization_pk_domain_key`).
pub async fn restore_domain(
    conn: &mut PgConnection,
    organization_pk: i64,
    domain_pk: i64,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "with back as (
             delete from deleted_domains where organization_pk = $1 and domain_pk = $2 and deleted_at > $3
             returning domain_pk, organization_pk, domain, challenge, role, created_at
         )
         insert into organization_domains (domain_pk, organization_pk, domain, challenge, role, created_at)
         overriding system value
         select domain_pk, organization_pk, domain, challenge, role, created_at from back returning domain",
        organization_pk,
        domain_pk,
        since
    )
    .fetch_optional(conn)
    .await
}

/// An organisation that somebody can join by the domain of their address.
#[derive(Debug, Clone)]
pub struct Joinable {
    /// Its name.
    pub name: String,
    /// Its full name, possibly empty.
    pub fullname: String,
    /// The domain.
    pub domain: String,
    /// The stored word for the role that it gives.
    pub role: String,
}

/// The organisations that a user can join by the domain of their confirmed address. A domain is one organisation's at most, and so is
/// the address. Of its capitals only those of ASCII are folded: to the database `İ` is an `i`, to mail it is another domain.
///
/// # Errors
/// The database does not answer.
pub async fn list_joinable(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<Joinable>> {
    sqlx::query_as!(
        Joinable,
        r#"select n.name, o.fullname, d.domain, d.role from users u
         join organization_domains d on d.domain = split_part(lower(u.email collate "C"), '@', 2) collate "default"
                                     and d.proven_at is not null
         join organizations o on o.organization_pk = d.organization_pk join namespaces n on n.namespace_pk = d.organization_pk
         where u.user_pk = $1 and u.email_confirmed_at is not null and n.kind = 'organization'
           and not exists (select from organization_members m where m.organization_pk = d.organization_pk and m.user_pk = $1)
           and not exists (select from organization_removals r where r.organization_pk = d.organization_pk and r.user_pk = $1)
         limit 10"#,
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// The same of one organisation.
///
/// # Errors
/// The database does not answer.
pub async fn find_joinable(pool: &PgPool, user_pk: UserPk, organization_pk: i64) -> sqlx::Result<Option<Joinable>> {
    sqlx::query_as!(
        Joinable,
        r#"select n.name, o.fullname, d.domain, d.role from users u
         join organization_domains d on d.domain = split_part(lower(u.email collate "C"), '@', 2) collate "default"
                                     and d.proven_at is not null
         join organizations o on o.organization_pk = d.organization_pk join namespaces n on n.namespace_pk = d.organization_pk
         where u.user_pk = $1 and d.organization_pk = $2 and u.email_confirmed_at is not null and n.kind = 'organization'
           and not exists (select from organization_members m where m.organization_pk = $2 and m.user_pk = $1)
           and not exists (select from organization_removals r where r.organization_pk = $2 and r.user_pk = $1)"#,
        user_pk,
        organization_pk
    )
    .fetch_optional(pool)
    .await
}

/// The role with which a user may join an organisation by the domain of their confirmed address, if they may. Neither the address nor
/// the domain changes until this transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_joinable(conn: &mut PgConnection, user_pk: UserPk, organization_pk: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select d.role from users u
         join organization_domains d on d.domain = split_part(lower(u.email collate "C"), '@', 2) collate "default"
                                     and d.proven_at is not null
         where u.user_pk = $1 and d.organization_pk = $2 and u.email_confirmed_at is not null
           and not exists (select from organization_removals r where r.organization_pk = $2 and r.user_pk = $1)
         for no key update of u for share of d"#,
        user_pk,
        organization_pk
    )
    .fetch_optional(conn)
    .await
}

/// Notes that an admin took somebody out, who does not come back by a domain.
///
/// # Errors
/// The database does not answer.
pub async fn insert_removal(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organization_removals (organization_pk, user_pk) values ($1, $2) on conflict do nothing",
        organization_pk,
        user_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}
