//! Statements on resource groups: what they are called, who is in them, and which repositories.

pub mod deleted;

use hub_types::RepoType;
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::invitations;
use crate::accounts::{OrgRole, UserPk};

/// A resource group of an organisation.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// The key, which is negative.
    pub resource_group_pk: i64,
    /// The id that clients see.
    pub public_id: String,
    /// The organisation.
    pub organization_pk: i64,
    /// The name.
    pub name: String,
    /// A few words, possibly none.
    pub description: String,
    /// How many members were added to it.
    pub members: i64,
    /// How many repositories are in it.
    pub repos: i64,
}

/// Finds a group of an organisation by its id.
///
/// # Errors
/// The database does not answer.
pub async fn find_group(pool: &PgPool, organization_pk: i64, id: &str) -> sqlx::Result<Option<GroupRow>> {
    sqlx::query_as!(
        GroupRow,
        r#"select g.resource_group_pk, g.public_id, g.organization_pk, g.name, g.description,
                  (select count(*) from resource_group_members m where m.resource_group_pk = g.resource_group_pk) as "members!",
                  (select count(*) from repos r where r.resource_group_pk = g.resource_group_pk and r.deleted_at is null) as "repos!"
           from resource_groups g where g.organization_pk = $1 and g.public_id = $2"#,
        organization_pk,
        id
    )
    .fetch_optional(pool)
    .await
}

/// Finds a group by key.
///
/// # Errors
/// The database does not answer.
pub async fn find_group_by_pk(pool: &PgPool, resource_group_pk: i64) -> sqlx::Result<Option<GroupRow>> {
    sqlx::query_as!(
        GroupRow,
        r#"select g.resource_group_pk, g.public_id, g.organization_pk, g.name, g.description,
                  (select count(*) from resource_group_members m where m.resource_group_pk = g.resource_group_pk) as "members!",
                  (select count(*) from repos r where r.resource_group_pk = g.resource_group_pk and r.deleted_at is null) as "repos!"
           from resource_groups g where g.resource_group_pk = $1"#,
        resource_group_pk
    )
    .fetch_optional(pool)
    .await
}

/// The groups with these keys, in no order.
///
/// # Errors
/// The database does not answer.
pub async fn list_groups_by_pk(pool: &PgPool, resource_group_pks: &[i64]) -> sqlx::Result<Vec<GroupRow>> {
    sqlx::query_as!(
        GroupRow,
        r#"select g.resource_group_pk, g.public_id, g.organization_pk, g.name, g.description,
                  (select count(*) from resource_group_members m where m.resource_group_pk = g.resource_group_pk) as "members!",
                  (select count(*) from repos r where r.resource_group_pk = g.resource_group_pk and r.deleted_at is null) as "repos!"
           from resource_groups g where g.resource_group_pk = any((select $1::bigint[])::bigint[])"#,
        resource_group_pks
    )
    .fetch_all(pool)
    .await
}

/// The groups of an organisation by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_groups(pool: &PgPool, organization_pk: i64, limit: i64) -> sqlx::Result<Vec<GroupRow>> {
    sqlx::query_as!(
        GroupRow,
        r#"select g.resource_group_pk, g.public_id, g.organization_pk, g.name, g.description,
                  (select count(*) from resource_group_members m where m.resource_group_pk = g.resource_group_pk) as "members!",
                  (select count(*) from repos r where r.resource_group_pk = g.resource_group_pk and r.deleted_at is null) as "repos!"
           from resource_groups g where g.organization_pk = $1
           order by lower(g.name) limit $2"#,
        organization_pk,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Makes a group and gives its key and its id.
///
/// # Errors
/// The name is taken (`resource_groups_name_idx`).
pub async fn insert_group(
    conn: &mut PgConnection,
    organization_pk: i64,
    name: &str,
    description: &str,
) -> sqlx::Result<(i64, String)> {
    let made = sqlx::query!(
        "insert into resource_groups (organization_pk, name, description) values ($1, $2, $3) returning resource_group_pk, public_id",
        organization_pk,
        name,
        description
    );
    let made = made.fetch_one(conn).await?;
    Ok((made.resource_group_pk, made.public_id))
}

/// Takes part in an organisation of which members come into a group: after its admins, as whoever closes it holds them before it.
///
/// # Errors
/// The database does not answer.
pub async fn hold_organization(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "select user_pk from organization_members where organization_pk = $1 and role = 'admin' order by user_pk for key share",
        organization_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    invitations::hold_organization(conn, organization_pk).await
}

/// Counts the groups of an organisation, which nobody adds to until this transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_and_count(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<i64> {
    sqlx::query!("select from organizations where organization_pk = $1 for no key update", organization_pk)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from resource_groups where organization_pk = $1"#, organization_pk)
        .fetch_one(conn)
        .await
}

/// Changes what a group is called.
///
/// # Errors
/// The name is taken (`resource_groups_name_idx`).
pub async fn update_group(conn: &mut PgConnection, pk: i64, name: &str, description: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update resource_groups set name = $2, description = $3 where resource_group_pk = $1",
        pk,
        name,
        description
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Somebody in a group.
#[derive(Debug, Clone)]
pub struct GroupMemberRow {
    /// The group.
    pub resource_group_pk: i64,
    /// The user name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// The stored word for the role.
    pub role: String,
    /// Whether it is a service account.
    pub is_service: bool,
}

/// Who is in these groups, by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_group_members(pool: &PgPool, pks: &[i64], limit: i64) -> sqlx::Result<Vec<GroupMemberRow>> {
    sqlx::query_as!(
        GroupMemberRow,
        r#"select m.resource_group_pk, n.name, u.fullname, m.role, u.service_of is not null as "is_service!" from resource_group_members m
         join users u using (user_pk) join namespaces n on n.namespace_pk = m.user_pk
         where m.resource_group_pk = any($1) order by lower(n.name) limit $2"#,
        pks,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Gives a member of the organisation a role in a group, or another one; tells whether they are a member of the organisation.
///
/// # Errors
/// The database does not answer.
pub async fn upsert_group_member(
    conn: &mut PgConnection,
    (pk, organization_pk): (i64, i64),
    user_pk: UserPk,
    role: OrgRole,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role)
         select $1, m.organization_pk, m.user_pk, $4 from organization_members m
         where m.organization_pk = $2 and m.user_pk = $3
         on conflict (resource_group_pk, user_pk) do update set role = excluded.role",
        pk,
        organization_pk,
        user_pk,
        role.as_str()
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Takes somebody out of a group, and tells whether they were in it.
///
/// # Errors
/// The database does not answer.
pub async fn delete_group_member(conn: &mut PgConnection, pk: i64, user_pk: UserPk) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from resource_group_members where resource_group_pk = $1 and user_pk = $2", pk, user_pk);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// A repository in a group.
#[derive(Debug, Clone)]
pub struct GroupRepoRow {
    /// The group.
    pub resource_group_pk: i64,
    /// Its type.
    pub repo_type: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether only those in the group see it.
    pub private: bool,
}

/// The repositories in these groups, as they were made.
///
/// # Errors
/// The database does not answer.
pub async fn list_group_repos(conn: impl PgExecutor<'_>, pks: &[i64], limit: i64) -> sqlx::Result<Vec<GroupRepoRow>> {
    sqlx::query_as!(
        GroupRepoRow,
        r#"select r.resource_group_pk as "resource_group_pk!", r.repo_type as "repo_type: RepoType", n.name as namespace, r.name, r.private
           from repos r join namespaces n using (namespace_pk)
           where r.resource_group_pk = any($1) and r.deleted_at is null order by r.repo_pk desc limit $2"#,
        pks,
        limit
    )
    .fetch_all(conn)
    .await
}
