//! Statements on organisations that are being deleted.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// What an organisation has.
#[derive(Debug, Default)]
pub(in crate::personal_data) struct Belongings {
    /// Models.
    pub models: i64,
    /// Datasets.
    pub datasets: i64,
    /// Spaces.
    pub spaces: i64,
    /// Buckets.
    pub buckets: i64,
    /// Collections.
    pub collections: i64,
    /// Members.
    pub members: i64,
    /// Resource groups.
    pub groups: i64,
}

/// What an organisation has.
pub(in crate::personal_data) async fn count_belongings(pool: &PgPool, organization_pk: i64) -> sqlx::Result<Belongings> {
    sqlx::query_as!(
        Belongings,
        r#"select count(*) filter (where repo_type = 'model') as "models!", count(*) filter (where repo_type = 'dataset') as "datasets!",
                  count(*) filter (where repo_type = 'space') as "spaces!", count(*) filter (where repo_type = 'bucket') as "buckets!",
                  (select count(*) from collections where namespace_pk = $1) as "collections!",
                  (select count(*) from organization_members where organization_pk = $1) as "members!",
                  (select count(*) from resource_groups where organization_pk = $1) as "groups!"
           from repos where namespace_pk = $1 and deleted_at is null"#,
        organization_pk
    )
    .fetch_one(pool)
    .await
}

/// Keeps others from making members and repositories in an organisation; tells whether it is there still.
pub(in crate::personal_data) async fn lock(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select namespace_pk from namespaces where namespace_pk = $1 and kind = 'organization' for update",
        organization_pk
    );
    if found.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    let found =
        sqlx::query_scalar!("select organization_pk from organizations where organization_pk = $1 for update", organization_pk);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Notes until when an organisation can be kept, and who was in it; from then on nobody is.
pub(in crate::personal_data) async fn close(
    conn: &mut PgConnection,
    organization_pk: i64,
    by: UserPk,
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into closed_organizations (organization_pk, closed_by, deletes_at) values ($1, $2, $3)",
        organization_pk,
        by,
        until
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into closed_organization_members (organization_pk, user_pk, role, created_at)
         select organization_pk, user_pk, role, created_at from organization_members where organization_pk = $1",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into closed_group_members (resource_group_pk, organization_pk, user_pk, role, created_at)
         select resource_group_pk, organization_pk, user_pk, role, created_at from resource_group_members where organization_pk = $1",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from organization_members where organization_pk = $1", organization_pk).execute(&mut *conn).await?;
    sqlx::query!("update namespaces set kind = 'deleted' where namespace_pk = $1", organization_pk)
        .execute(conn)
        .await
        .map(|_| ())
}

/// An organisation that is being deleted, as somebody asks for it.
#[derive(Debug)]
pub(in crate::personal_data) struct Closed {
    /// The key.
    pub organization_pk: i64,
    /// The name.
    pub name: String,
    /// Who closed it, or another admin, if any is left.
    pub admin_pk: Option<UserPk>,
    /// Whether who asks was an admin.
    pub was_admin: bool,
    /// Whether it asks for a second factor that they do not have.
    pub locked: bool,
}

/// Finds an organisation that is being deleted and can be kept.
pub(in crate::personal_data) async fn find_closed(
    pool: &PgPool,
    name: &str,
    user_pk: Option<UserPk>,
) -> sqlx::Result<Option<Closed>> {
    sqlx::query_as!(
        Closed,
        r#"select c.organization_pk, n.name,
                  coalesce(c.closed_by, (select min(m.user_pk) from closed_organization_members m
                                         where m.organization_pk = c.organization_pk and m.role = 'admin')) as admin_pk,
                  exists (select from closed_organization_members m
                          where m.organization_pk = c.organization_pk and m.user_pk = $2 and m.role = 'admin') as "was_admin!",
                  is_locked_out(c.organization_pk, $2) as "locked!"
           from closed_organizations c join namespaces n on n.namespace_pk = c.organization_pk
           where lower(n.name) = lower($1) and c.deletes_at > now()"#,
        name,
        user_pk
    )
    .fetch_optional(pool)
    .await
}

/// Opens an organisation again, with those of its members who are still there; tells when it was closed.
pub(in crate::personal_data) async fn reopen(
    conn: &mut PgConnection,
    organization_pk: i64,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let closed_at = sqlx::query_scalar!(
        "select closed_at from closed_organizations where organization_pk = $1 and deletes_at > now() for update",
        organization_pk
    );
    let Some(closed_at) = closed_at.fetch_optional(&mut *conn).await? else { return Ok(None) };
    sqlx::query!("update namespaces set kind = 'organization' where namespace_pk = $1", organization_pk)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into organization_members (organization_pk, user_pk, role, created_at)
         select organization_pk, user_pk, role, m.created_at from closed_organization_members m join users using (user_pk)
         where organization_pk = $1 and deletes_at is null",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role, created_at)
         select g.resource_group_pk, g.organization_pk, g.user_pk, g.role, g.created_at from closed_group_members g
         join organization_members using (organization_pk, user_pk) where organization_pk = $1",
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from closed_organizations where organization_pk = $1", organization_pk).execute(conn).await?;
    Ok(Some(closed_at))
}

/// Whether moderators suspended an organisation; they do not do so until the transaction ends.
pub(in crate::personal_data) async fn is_suspended(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select suspended_at is not null as "suspended!" from organizations where organization_pk = $1 for share"#,
        organization_pk
    );
    Ok(found.fetch_optional(conn).await?.unwrap_or_default())
}

/// The organisations whose time is over.
pub(in crate::personal_data) async fn list_due(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select organization_pk from closed_organizations where deletes_at <= now() order by deletes_at limit $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// Whether an organisation is still to be removed; nobody keeps it from then on.
pub(in crate::personal_data) async fn lock_due(conn: &mut PgConnection, organization_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select organization_pk from closed_organizations where organization_pk = $1 and deletes_at <= now() for update",
        organization_pk
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}
