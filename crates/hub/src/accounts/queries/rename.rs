//! Statements on names of accounts and organisations: giving another one, and those that they had.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// What a rename has to know of who is renamed.
#[derive(Debug)]
pub struct NamedRow {
    /// The present name.
    pub name: String,
    /// `user` or `organization`.
    pub kind: String,
    /// Whether nobody acts by the account, or moderators limited or suspended it, or it is a service account.
    pub barred: bool,
}

/// A name that somebody had, and that is kept for them.
#[derive(Debug, Clone)]
pub struct OldNameRow {
    /// As they wrote it.
    pub name: String,
    /// Until when they had it.
    pub until: DateTime<Utc>,
}

/// Finds an account or organisation and makes others that rename it wait until this transaction ends.
///
/// # Errors
/// The database does not answer.
pub async fn lock_named(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<Option<NamedRow>> {
    sqlx::query_as!(
        NamedRow,
        r#"select n.name, n.kind,
                  coalesce(u.suspended_at is not null or u.limited_at is not null or u.deletes_at is not null
                           or u.service_of is not null or o.suspended_at is not null or o.limited_at is not null, false) as "barred!"
           from namespaces n left join users u on u.user_pk = n.namespace_pk
           left join organizations o on o.organization_pk = n.namespace_pk
           where n.namespace_pk = $1 and n.kind <> 'deleted' for no key update of n"#,
        namespace_pk
    )
    .fetch_optional(conn)
    .await
}

/// Whether a name is one that a namespace had.
///
/// # Errors
/// The database does not answer.
pub async fn is_old_name(conn: &mut PgConnection, namespace_pk: i64, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from retired_names where name_key = lower($2) and namespace_pk = $1) as "is!""#,
        namespace_pk,
        name
    )
    .fetch_one(conn)
    .await
}

/// How many names a namespace had.
///
/// # Errors
/// The database does not answer.
pub async fn count_old_names(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from retired_names where namespace_pk = $1"#, namespace_pk)
        .fetch_one(conn)
        .await
}

/// How often a namespace was renamed within a day, as its audit log has it.
///
/// # Errors
/// The database does not answer.
pub async fn count_renames_today(conn: &mut PgConnection, namespace_pk: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from audit_log
           where namespace_pk = $1 and action in ('account.rename', 'organization.rename') and created_at > now() - interval '1 day'"#,
        namespace_pk
    )
    .fetch_one(conn)
    .await
}

/// Gives a namespace another name. Triggers keep the old one for it, and have all follow that names it by its name.
///
/// # Errors
/// The name is somebody else's (`namespaces_name_idx`), or was (`retired_names_pkey`).
pub async fn update_name(conn: &mut PgConnection, namespace_pk: i64, name: &str) -> sqlx::Result<()> {
    sqlx::query!("update namespaces set name = $2 where namespace_pk = $1", namespace_pk, name).execute(conn).await.map(|_| ())
}

/// The names that a namespace had, the latest first.
///
/// # Errors
/// The database does not answer.
pub async fn list_old_names(pool: &PgPool, namespace_pk: i64) -> sqlx::Result<Vec<OldNameRow>> {
    sqlx::query_as!(
        OldNameRow,
        r#"select coalesce(name, name_key) as "name!", retired_at as until from retired_names
           where namespace_pk = $1 order by retired_at desc, name_key limit 50"#,
        namespace_pk
    )
    .fetch_all(pool)
    .await
}
