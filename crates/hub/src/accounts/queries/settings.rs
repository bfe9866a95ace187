//! Statements behind the settings pages: profiles, sessions, organisations and their members.

use sqlx::{PgConnection, PgExecutor, PgPool};

use super::sessions::delete_other_sessions_in;
use crate::accounts::{OrgRole, UserPk};

/// What a user or an organisation says of itself.
#[derive(Debug, Clone)]
pub struct ProfileRow {
    /// The key.
    pub namespace_pk: i64,
    /// The name as its owner writes it.
    pub name: String,
    /// `user` or `organization`.
    pub kind: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// A few words, possibly none.
    pub details: String,
    /// A page of their own, possibly none.
    pub homepage: String,
    /// Where else they are.
    pub links: Vec<String>,
    /// Whether an organisation's new repositories are private unless said otherwise.
    pub default_private: bool,
    /// The least role that makes repositories of an organisation's own, as it is stored.
    pub create_role: String,
    /// The role that forms offer for new members, as it is stored.
    pub default_role: String,
    /// Whether people can ask an organisation to join.
    pub takes_requests: bool,
    /// Whether an organisation's repositories refuse pickles.
    pub refuses_pickles: bool,
    /// Whether an organisation asks its members for a second factor.
    pub requires_second_factor: bool,
    /// Whether it is the account of somebody who is having it deleted.
    pub leaves: bool,
    /// Of a service account: the organisation whose it is.
    pub service_of: Option<String>,
}

/// What an organisation decides about who may do what.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationRules {
    /// Whether new repositories are private unless said otherwise.
    pub default_private: bool,
    /// The least role that makes repositories of its own.
    pub create_role: OrgRole,
    /// The role that forms offer for new members.
    pub default_role: OrgRole,
    /// Whether people can ask to join.
    pub takes_requests: bool,
    /// Whether its repositories refuse pickles.
    pub refuses_pickles: bool,
}

/// What a user or an organisation says of itself, as it is kept.
#[derive(Debug)]
pub struct ProfileTexts<'a> {
    /// The full name, possibly empty.
    pub fullname: &'a str,
    /// A few words, possibly none.
    pub details: &'a str,
    /// A page of their own, possibly none.
    pub homepage: &'a str,
    /// Where else they are.
    pub links: Vec<String>,
}

/// Finds a user or an organisation by the name or one that it had, whatever the case.
///
/// # Errors
/// The database does not answer.
pub async fn find_profile(pool: &PgPool, name: &str) -> sqlx::Result<Option<ProfileRow>> {
    sqlx::query_as!(
        ProfileRow,
        r#"select namespace_pk, name, kind, coalesce(u.fullname, o.fullname, '') as "fullname!",
                  coalesce(u.details, o.details, '') as "details!", coalesce(u.homepage, o.homepage, '') as "homepage!",
                  coalesce(u.links, o.links, '{}') as "links!", coalesce(o.default_private, false) as "default_private!",
                  coalesce(o.create_role, 'contributor') as "create_role!", coalesce(o.default_role, 'write') as "default_role!",
                  coalesce(o.takes_requests, false) as "takes_requests!",
                  coalesce(o.refuses_pickles, false) as "refuses_pickles!",
                  coalesce(o.requires_second_factor, false) as "requires_second_factor!",
                  u.deletes_at is not null as "leaves!",
                  (select s.name from namespaces s where s.namespace_pk = u.service_of) as service_of
           from namespaces left join users u on u.user_pk = namespace_pk
           left join organizations o on o.organization_pk = namespace_pk
           where namespace_pk = (select namespace_called($1)) and kind <> 'deleted'
             and not exists (select from closed_organizations c where c.organization_pk = u.service_of)"#,
        name
    )
    .fetch_optional(pool)
    .await
}

/// Changes what a user says of themselves.
///
/// # Errors
/// The database does not answer.
pub async fn update_user(conn: impl PgExecutor<'_>, user_pk: UserPk, texts: &ProfileTexts<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set fullname = $2, details = $3, homepage = $4, links = $5 where user_pk = $1",
        user_pk,
        texts.fullname,
        texts.details,
        texts.homepage,
        &texts.links
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Sets a new password and ends all sessions, but one if it is named.
///
/// # Errors
/// The database does not answer.
pub async fn update_password(
    conn: &mut PgConnection,
    user_pk: UserPk,
    hash: &str,
    kept_session: Option<&[u8; 32]>,
) -> sqlx::Result<()> {
    sqlx::query!("update users set password_hash = $2, password_ends_at = null where user_pk = $1", user_pk, hash)
        .execute(&mut *conn)
        .await?;
    // Sign-ins that were begun with the password before.
    sqlx::query!("delete from ceremonies where user_pk = $1", user_pk).execute(&mut *conn).await?;
    delete_other_sessions_in(conn, user_pk, kept_session.map_or(&[], |hash| hash.as_slice())).await.map(|_| ())
}

/// A member of an organisation.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// The key.
    pub user_pk: UserPk,
    /// The user name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// The stored word for the role.
    pub role: String,
    /// Whether it is a service account.
    pub is_service: bool,
}

/// The members of an organisation by name, those whose names come after one; all come after the empty one.
///
/// # Errors
/// The database does not answer.
pub async fn list_members(pool: &PgPool, organization_pk: i64, after: &str, limit: i64) -> sqlx::Result<Vec<MemberRow>> {
    sqlx::query_as!(
        MemberRow,
        r#"select m.user_pk as "user_pk!", m.name as "name!", u.fullname, m.role as "role!", u.service_of is not null as "is_service!"
           from (
               select o.user_pk, n.name, o.role from organization_members o join namespaces n on n.namespace_pk = o.user_pk
               where o.organization_pk = $1 and lower(n.name) > lower($2) order by lower(n.name) limit $3
           ) m join users u on u.user_pk = m.user_pk order by lower(m.name)"#,
        organization_pk,
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Those of these people who have no second factor.
///
/// # Errors
/// The database does not answer.
pub async fn list_without_second_factor(pool: &PgPool, user_pks: &[UserPk]) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        r#"select who as "who!" from unnest((select $1::bigint[])) as w (who) where lacks_second_factor(who)"#,
        user_pks
    )
    .fetch_all(pool)
    .await
}

/// Counts the members of an organisation who have no second factor.
///
/// # Errors
/// The database does not answer.
pub async fn count_without_second_factor(pool: &PgPool, organization_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from organization_members where organization_pk = $1 and lacks_second_factor(user_pk)"#,
        organization_pk
    )
    .fetch_one(pool)
    .await
}

/// The members of an organisation who lack the second factor that it asks for, a thousand at most.
///
/// # Errors
/// The database does not answer.
pub async fn list_locked_out(conn: impl PgExecutor<'_>, organization_pk: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        "select user_pk from organization_members
         where organization_pk = $1 and is_locked_out(organization_pk, user_pk) order by user_pk limit 1000",
        organization_pk
    )
    .fetch_all(conn)
    .await
}

/// Has an organisation ask its members for a second factor, or not.
///
/// # Errors
/// The database does not answer.
pub async fn update_requires_second_factor(conn: &mut PgConnection, pk: i64, requires: bool) -> sqlx::Result<()> {
    sqlx::query!("update organizations set requires_second_factor = $2 where organization_pk = $1", pk, requires)
        .execute(conn)
        .await
        .map(|_| ())
}

/// The organisations of a user, for everyone to see.
///
/// # Errors
/// The database does not answer.
pub async fn list_organizations_of(pool: &PgPool, user_pk: UserPk) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select n.name from organization_members m join namespaces n on n.namespace_pk = m.organization_pk
         where m.user_pk = $1 order by lower(n.name) limit 200",
        user_pk
    )
    .fetch_all(pool)
    .await
}

/// Changes what an organisation says of itself.
///
/// # Errors
/// The database does not answer.
pub async fn update_organization(
    conn: impl PgExecutor<'_>,
    pk: i64,
    texts: &ProfileTexts<'_>,
    rules: &OrganizationRules,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update organizations set fullname = $2, details = $3, homepage = $4, links = $5, default_private = $6, create_role = $7,
                default_role = $8, takes_requests = $9, refuses_pickles = $10
         where organization_pk = $1",
        pk,
        texts.fullname,
        texts.details,
        texts.homepage,
        &texts.links,
        rules.default_private,
        rules.create_role.as_str(),
        rules.default_role.as_str(),
        rules.takes_requests,
        rules.refuses_pickles
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Takes a member out of an organisation, and tells whether they were one.
///
/// # Errors
/// The database does not answer.
pub async fn delete_member(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from organization_members where organization_pk = $1 and user_pk = $2", organization_pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The admins of an organisation, locked until the transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_admins(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<Vec<UserPk>> {
    sqlx::query_scalar!(
        "select user_pk from organization_members where organization_pk = $1 and role = $2 order by user_pk for update",
        organization_pk,
        OrgRole::Admin.as_str()
    )
    .fetch_all(conn)
    .await
}

/// Keeps a user's clients to plain HTTP, or not.
///
/// # Errors
/// The database does not answer.
pub async fn update_plain_http(pool: &PgPool, user_pk: UserPk, plain_http: bool) -> sqlx::Result<()> {
    sqlx::query!("update users set plain_http = $2 where user_pk = $1", user_pk, plain_http).execute(pool).await.map(|_| ())
}
