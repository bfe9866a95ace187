//! Statements on members of organisations whom something was done to.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::accounts::UserPk;

/// The last lines of an organisation's log about the membership of people, by their names, from a line on. Those who have no account
/// of the name any more are left out, and so are service accounts.
///
/// # Errors
/// The database does not answer.
pub async fn list_last_lines(
    conn: &mut PgConnection,
    organization_pk: i64,
    from: i64,
    names: &[String],
) -> sqlx::Result<HashMap<String, i64>> {
    let rows = sqlx::query!(
        r#"select a.subject as name, max(a.audit_pk) as "line!" from audit_log a
           join namespaces n on lower(n.name) = lower(a.subject)
           join users u on u.user_pk = n.namespace_pk and u.service_of is null
           where a.namespace_pk = $1 and a.action in ('member.add', 'member.remove', 'member.role') and a.audit_pk >= $2
             and a.subject = any($3)
           group by a.subject"#,
        organization_pk,
        from,
        names
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.name, row.line)).collect())
}

/// Brings somebody back into the resource groups that they lost with their membership, as the line of the log about that tells. The
/// same transaction left a line for each group. A group that was made or renamed since then is not the one that they were in.
///
/// # Errors
/// The database does not answer.
pub async fn restore_groups(conn: &mut PgConnection, organization_pk: i64, user_pk: UserPk, audit_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role)
         select g.resource_group_pk, g.organization_pk, $2, l.details ->> 'role'
         from audit_log a
         join audit_log l on l.namespace_pk = a.namespace_pk and l.action = 'group.member_remove'
             and l.audit_pk between a.audit_pk - 10000 and a.audit_pk + 10000
             and l.created_at = a.created_at and l.subject = a.subject
         join resource_groups g on g.organization_pk = a.namespace_pk and lower(g.name) = lower(l.details ->> 'group')
             and g.created_at < a.created_at
         where a.namespace_pk = $1 and a.audit_pk = $3 and not exists (
             select from audit_log r
             where r.namespace_pk = a.namespace_pk and r.action = 'group.settings' and r.audit_pk > a.audit_pk
               and r.details ->> 'from' is not null and lower(g.name) in (lower(r.subject), lower(r.details ->> 'from')))
         on conflict do nothing",
        organization_pk,
        user_pk,
        audit_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}
