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
        r#"select namespace_pk as "namespace_pk!", name as "name!", fullname as "fullname!", count(*) over () as "total!" from (
               select n.namespace_pk, n.name, coalesce(u.fullname, o.fullname, '') as fullname from namespaces n
               left join users u on u.user_pk = n.namespace_pk
               left join organizations o on o.organization_pk = n.namespace_pk
               where n.kind = $1 and lower(n.name) like any($2) and u.deletes_at is null and u.service_of is null
               union
               select n.namespace_pk, n.name, u.fullname from users u join namespaces n on n.namespace_pk = u.user_pk
               where $1 = 'user' and $3 <> '' and lower(u.fullname) like $3 and u.deletes_at is null and u.service_of is null
               union
               select n.namespace_pk, n.name, o.fullname from organizations o
               join namespaces n on n.namespace_pk = o.organization_pk
               where $1 = 'organization' and $3 <> '' and lower(o.fullname) like $3 and n.kind <> 'deleted'
           ) found
           order by lower(name) = $4 desc, left(lower(name), length($4)) = $4 desc, length(name), lower(name)
           offset $5 limit $6"#,
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
