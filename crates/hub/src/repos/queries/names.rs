//! Statements on the names of repositories, and where those lead that they had before.

use hub_types::RepoType;
use sqlx::{PgConnection, PgExecutor};

/// Keeps a repository from being renamed, moved and deleted until this transaction ends; tells whether it is there by this name.
///
/// # Errors
/// The database does not answer.
pub async fn hold_named(conn: &mut PgConnection, repo_pk: i64, namespace_pk: i64, name: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select repo_pk from repos where repo_pk = $1 and namespace_pk = $2 and name = $3 and deleted_at is null for share",
        repo_pk,
        namespace_pk,
        name
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Finds the repository that once had a name: before it moved, or before its owner was renamed.
///
/// # Errors
/// The database does not answer.
pub async fn find_moved(
    conn: impl PgExecutor<'_>,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
) -> sqlx::Result<Option<i64>> {
    // A name of the repository's own goes before one that its owner had.
    sqlx::query_scalar!(
        r#"select repo_pk as "repo_pk!" from (
               select 0 as rank, o.repo_pk from repo_redirects o join repos r using (repo_pk)
               where o.repo_type = $1 and o.namespace_key = lower($2) and o.name_key = lower($3) and r.deleted_at is null
               union all
               select 1, r.repo_pk from retired_names t join repos r using (namespace_pk)
               where t.name_key = lower($2) and r.repo_type = $1 and lower(r.name) = lower($3) and r.deleted_at is null
           ) found order by rank limit 1"#,
        repo_type as RepoType,
        namespace,
        name
    )
    .fetch_optional(conn)
    .await
}

/// Whether a name was that of a repository that was public until it was deleted: its last one, one that it had before it moved, or one
/// under which its owner was known. The rows of deleted repositories stay, also when nothing is left of what they had.
///
/// # Errors
/// The database does not answer.
pub async fn was_public(conn: impl PgExecutor<'_>, repo_type: RepoType, namespace: &str, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select 1 from repos r
               where r.namespace_pk = (select namespace_called($2)) and r.repo_type = $1 and lower(r.name) = lower($3)
                 and r.deleted_at is not null and not r.private
               union all
               select 1 from repo_redirects o join repos r using (repo_pk)
               where o.repo_type = $1 and o.namespace_key = lower($2) and o.name_key = lower($3)
                 and r.deleted_at is not null and not r.private
           ) as "was!""#,
        repo_type as RepoType,
        namespace,
        name
    )
    .fetch_one(conn)
    .await
}

/// Forgets that a name led elsewhere: the name is in use again.
///
/// # Errors
/// The database does not answer.
pub async fn delete_redirect(conn: &mut PgConnection, repo_type: RepoType, namespace: &str, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from repo_redirects where repo_type = $1 and namespace_key = lower($2) and name_key = lower($3)",
        repo_type as RepoType,
        namespace,
        name
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes an old name lead to a repository.
///
/// # Errors
/// The database does not answer.
pub async fn insert_redirect(
    conn: &mut PgConnection,
    repo_type: RepoType,
    namespace: &str,
    name: &str,
    repo_pk: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_redirects (repo_type, namespace_key, name_key, repo_pk, old_id)
         values ($1, lower($2), lower($3), $4, $2 || '/' || $3)
         on conflict (repo_type, namespace_key, name_key)
         do update set repo_pk = excluded.repo_pk, created_at = now(), old_id = excluded.old_id",
        repo_type as RepoType,
        namespace,
        name,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Makes the name lead to a repository also under what its owner was called before.
///
/// # Errors
/// The database does not answer.
pub async fn insert_redirects_of_former_owners(
    conn: &mut PgConnection,
    repo_type: RepoType,
    namespace_pk: i64,
    name: &str,
    repo_pk: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_redirects (repo_type, namespace_key, name_key, repo_pk, old_id)
         select $1, t.name_key, lower($3), $4, coalesce(t.name, t.name_key) || '/' || $3
         from retired_names t where t.namespace_pk = $2
         on conflict (repo_type, namespace_key, name_key) do nothing",
        repo_type as RepoType,
        namespace_pk,
        name,
        repo_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives a repository another owner and name. With another owner it is in no resource group any more.
///
/// # Errors
/// The name is taken (`repos_type_namespace_name_idx`).
pub async fn update_name(conn: &mut PgConnection, repo_pk: i64, namespace_pk: i64, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set namespace_pk = $2, name = $3,
                resource_group_pk = case when namespace_pk = $2 then resource_group_pk end
         where repo_pk = $1",
        repo_pk,
        namespace_pk,
        name
    )
    .execute(conn)
    .await
    .map(|_| ())
}
