//! Every statement of this slice.

use sqlx::PgPool;

/// A user or an organisation that was found.
#[derive(Debug, Clone)]
pub(super) struct FoundOwner {
    /// The key.
    pub namespace_pk: i64,
    /// The name.
    pub name: String,
    /// The full name, possibly empty.
    pub fullname: String,
    /// How many were found in all.
    pub total: i64,
}

/// Which owners are looked for.
#[derive(Debug, Clone)]
pub(super) struct OwnerPatterns {
    /// `user` or `organization`.
    pub kind: &'static str,
    /// Patterns of `like` for names in lower case, one of which must fit.
    pub names: Vec<String>,
    /// A pattern for full names in lower case; nothing fits the empty one.
    pub fullname: String,
    /// The name that comes first, in lower case.
    pub exact: String,
}

/// Owners whose names fit: those of exactly this name first, then those that begin with it, the short ones before the long.
///
/// # Errors
/// The database does not answer.
pub(super) async fn list_owners(pool: &PgPool, wanted: &OwnerPatterns, offset: i64, limit: i64) -> sqlx::Result<Vec<FoundOwner>> {
    sqlx::query_as!(
        FoundOwner,
        r#"with names as materialized (
               select namespace_pk, name from namespaces where kind = $1 and lower(name) like any($2)
           ), others as (
               select user_pk as namespace_pk from users where $1 = 'user' and $3 <> '' and lower(fullname) like $3
               union all
               select organization_pk from organizations where $1 = 'organization' and $3 <> '' and lower(fullname) like $3
               except select namespace_pk from names
           ), best as (
               select namespace_pk, name, count(*) over () as total from (
                   select * from names
                   union all
                   select namespace_pk, n.name from others join namespaces n using (namespace_pk) where n.kind = $1
               ) found
               where $1 <> 'user' or exists (
                   select from users u where u.user_pk = found.namespace_pk and u.deletes_at is null and u.service_of is null)
               order by lower(name) = $4 desc, left(lower(name), length($4)) = $4 desc, length(name), lower(name)
               offset $5 limit $6
           )
           select b.namespace_pk as "namespace_pk!", b.name as "name!", coalesce(u.fullname, o.fullname, '') as "fullname!",
                  b.total as "total!"
           from best b left join users u on u.user_pk = b.namespace_pk left join organizations o on o.organization_pk = b.namespace_pk
           order by lower(b.name) = $4 desc, left(lower(b.name), length($4)) = $4 desc, length(b.name), lower(b.name)"#,
        wanted.kind,
        &wanted.names,
        wanted.fullname,
        wanted.exact,
        offset,
        limit
    )
    .fetch_all(pool)
    .await
}
