//! Statements on service accounts that were deleted and can come back for a time, without their tokens.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::accounts::UserPk;

/// A service account that can come back.
#[derive(Debug, Clone)]
pub struct DeletedServiceAccount {
    /// The key.
    pub user_pk: UserPk,
    /// The name.
    pub name: String,
    /// What it was for, possibly nothing.
    pub details: String,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// Deletes a service account with its tokens, keeps what it was, and tells whether it was there. Its name stays taken.
///
/// # Errors
/// The database does not answer.
pub async fn delete(conn: &mut PgConnection, user_pk: UserPk) -> sqlx::Result<bool> {
    // Whoever changes it waits, and finds it gone.
    let held = sqlx::query_scalar!("select user_pk from users where user_pk = $1 and service_of is not null for update", user_pk);
    if held.fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    // First, while the log can tell whose they were.
    sqlx::query!(
        "with held as (select token_pk from access_tokens where user_pk = $1 order by token_pk for update)
         delete from access_tokens t using held where t.token_pk = held.token_pk",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    // Its roles in groups are changed without it being held.
    sqlx::query!(
        "select resource_group_pk from resource_group_members where user_pk = $1 order by resource_group_pk for update",
        user_pk
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into deleted_service_accounts (user_pk, organization_pk, role, contents)
         select u.user_pk, u.service_of, coalesce(m.role, 'read'), jsonb_build_object(
             'account', to_jsonb(u),
             'groups', (select coalesce(jsonb_agg(to_jsonb(g)), '[]') from resource_group_members g
                        where g.organization_pk = u.service_of and g.user_pk = u.user_pk),
             'repos', (select coalesce(jsonb_agg(r.repo_pk), '[]') from repos r
                       where r.namespace_pk = u.service_of and r.created_by = u.user_pk))
         from users u
         left join organization_members m on m.organization_pk = u.service_of and m.user_pk = u.user_pk
         where u.user_pk = $1",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!("delete from users where user_pk = $1 and service_of is not null", user_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Those of an organisation that were deleted since a time, the last first.
///
/// # Errors
/// The database does not answer.
pub async fn list(
    pool: &PgPool,
    organization_pk: i64,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<DeletedServiceAccount>> {
    sqlx::query_as!(
        DeletedServiceAccount,
        r#"select d.user_pk, n.name, coalesce(d.contents #>> '{account,details}', '') as "details!", d.deleted_at
           from deleted_service_accounts d join namespaces n on n.namespace_pk = d.user_pk
           where d.organization_pk = $1 and d.deleted_at > $2 order by d.deleted_at desc, d.user_pk desc limit $3"#,
        organization_pk,
        since,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Brings back one that was deleted since a time, in those of its groups that are still there, as who made those of its repositories that
/// are still the organisation's, disabled if it was. What moderators decided about it holds, also what they decided or took back meanwhile:
/// to be called under [`crate::db::LockKey::Moderate`]. Gives its name, and `None` when there is none.
///
/// # Errors
/// The database does not answer.
pub async fn restore(
    conn: &mut PgConnection,
    organization_pk: i64,
    user_pk: UserPk,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let held = sqlx::query_scalar!(
        "select n.name from deleted_service_accounts d join namespaces n on n.namespace_pk = d.user_pk
         where d.organization_pk = $1 and d.user_pk = $2 and d.deleted_at > $3 for update of d",
        organization_pk,
        user_pk,
        since
    );
    let Some(name) = held.fetch_optional(&mut *conn).await? else { return Ok(None) };
    sqlx::query!("update namespaces set kind = 'user' where namespace_pk = $1", user_pk).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into users (user_pk, email, password_hash, fullname, details, homepage, links, plain_http, service_of,
                            service_disabled_at, suspended_at, limited_at)
         select d.user_pk, a.email, '', a.fullname, a.details, a.homepage, a.links, a.plain_http, d.organization_pk,
                a.service_disabled_at,
                case when exists (select from moderation_standing s where s.kind = 'user' and s.pk = d.user_pk)
                     then coalesce(a.suspended_at, now()) end,
                case when exists (select from moderation_standing s where s.kind = 'limit' and s.pk = d.user_pk)
                     then coalesce(a.limited_at, now()) end
         from deleted_service_accounts d cross join lateral jsonb_populate_record(null::users, d.contents -> 'account') a
         where d.user_pk = $1",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into organization_members (organization_pk, user_pk, role)
         select organization_pk, user_pk, role from deleted_service_accounts where user_pk = $1",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role, created_at)
         select r.resource_group_pk, d.organization_pk, d.user_pk, g.role, g.created_at
         from deleted_service_accounts d
         cross join lateral jsonb_populate_recordset(null::resource_group_members, d.contents -> 'groups') g
         join resource_groups r on r.resource_group_pk = g.resource_group_pk and r.organization_pk = d.organization_pk
         where d.user_pk = $1 order by r.resource_group_pk for key share of r",
        user_pk
    )
    .execute(&mut *conn)
    .await?;
    // A contributor writes to what it made. That is in no list while its maker is limited.
    sqlx::query!(
        "with held as (
             select r.repo_pk from repos r
             where r.repo_pk in (select jsonb_array_elements_text(d.contents -> 'repos')::bigint from deleted_service_accounts d
                                 where d.user_pk = $1)
               and r.namespace_pk = $2 and r.created_by is null
             order by r.repo_pk for no key update of r
         )
         update repos r set created_by = $1, unlisted = r.unlisted and is_limited(r.namespace_pk, $1)
         from held where r.repo_pk = held.repo_pk",
        user_pk,
        organization_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from deleted_service_accounts where user_pk = $1", user_pk).execute(conn).await?;
    Ok(Some(name))
}
