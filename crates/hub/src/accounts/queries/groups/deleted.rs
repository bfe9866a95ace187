//! Statements on resource groups that were deleted and can come back for a time.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// A group that can come back.
#[derive(Debug, Clone)]
pub struct DeletedGroup {
    /// The id that clients see.
    pub public_id: String,
    /// The name.
    pub name: String,
    /// How many members were added to it.
    pub members: i64,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// Deletes a group, keeps what it was, and tells whether it was there. Deleted repositories are in it no longer.
///
/// # Errors
/// There are repositories in it (`repos_resource_group_fk`) or collections (`collections_resource_group_fk`).
pub async fn delete(conn: &mut PgConnection, pk: i64) -> sqlx::Result<bool> {
    // Whoever adds somebody waits, and finds it gone.
    let held = sqlx::query_scalar!("select resource_group_pk from resource_groups where resource_group_pk = $1 for update", pk);
    if held.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    sqlx::query!(
        "insert into deleted_resource_groups (resource_group_pk, public_id, organization_pk, name, contents)
         select g.resource_group_pk, g.public_id, g.organization_pk, g.name, jsonb_build_object(
             'group', to_jsonb(g),
             'members', (select coalesce(jsonb_agg(to_jsonb(m)), '[]') from resource_group_members m
                         where m.resource_group_pk = g.resource_group_pk),
             'repos', (select coalesce(jsonb_agg(r.repo_pk), '[]') from repos r
                       where r.resource_group_pk = g.resource_group_pk and r.deleted_at is not null))
         from resource_groups g where g.resource_group_pk = $1",
        pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with held as (
             select repo_pk from repos where resource_group_pk = $1 and deleted_at is not null order by repo_pk for no key update
         )
         update repos r set resource_group_pk = null from held where r.repo_pk = held.repo_pk",
        pk
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!("delete from resource_groups where resource_group_pk = $1", pk);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Those of an organisation that were deleted since a time, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list(pool: &PgPool, organization_pk: i64, since: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<DeletedGroup>> {
    sqlx::query_as!(
        DeletedGroup,
        r#"select public_id, name, jsonb_array_length(contents -> 'members')::bigint as "members!", deleted_at
           from deleted_resource_groups where organization_pk = $1 and deleted_at > $2
           order by deleted_at desc, resource_group_pk limit $3"#,
        organization_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Brings back one that was deleted since a time, with those of its members who are still in the organisation and those of its deleted
/// repositories that are still deleted; gives its name, and `None` when there is none.
///
/// # Errors
/// The name is taken (`resource_groups_name_idx`).
pub async fn restore(
    conn: &mut PgConnection,
    organization_pk: i64,
    id: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let held = sqlx::query!(
        "select resource_group_pk, name from deleted_resource_groups
         where organization_pk = $1 and public_id = $2 and deleted_at > $3 for update",
        organization_pk,
        id,
        since
    );
    let Some(held) = held.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let pk = held.resource_group_pk;
    sqlx::query!(
        "insert into resource_groups (resource_group_pk, public_id, organization_pk, name, description, created_at)
         overriding system value
         select d.resource_group_pk, d.public_id, d.organization_pk, g.name, g.description, g.created_at
         from deleted_resource_groups d cross join lateral jsonb_populate_record(null::resource_groups, d.contents -> 'group') g
         where d.resource_group_pk = $1",
        pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role, created_at)
         select d.resource_group_pk, d.organization_pk, m.user_pk, m.role, m.created_at
         from deleted_resource_groups d
         cross join lateral jsonb_populate_recordset(null::resource_group_members, d.contents -> 'members') m
         join organization_members o on o.organization_pk = d.organization_pk and o.user_pk = m.user_pk
         where d.resource_group_pk = $1",
        pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with held as (
             select r.repo_pk from repos r
             where r.repo_pk in (select jsonb_array_elements_text(d.contents -> 'repos')::bigint from deleted_resource_groups d
                                 where d.resource_group_pk = $1)
               and r.namespace_pk = $2 and r.deleted_at is not null and r.resource_group_pk is null
             order by r.repo_pk for no key update of r
         )
         update repos r set resource_group_pk = $1 from held where r.repo_pk = held.repo_pk",
        pk,
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from deleted_resource_groups where resource_group_pk = $1", pk).execute(conn).await?;
    Ok(Some(held.name))
}
