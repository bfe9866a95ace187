//! The repositories of a viewer's own namespaces.

use hub_types::RepoType;
use sqlx::PgPool;

/// A repository in the list of one's own.
#[derive(Debug, Clone)]
pub struct OwnRepoRow {
    /// Its kind.
    pub repo_type: RepoType,
    /// Its owner.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The last changed repositories of some namespaces, of all kinds.
///
/// # Errors
/// The database does not answer.
pub async fn list_own(pool: &PgPool, namespaces: &[i64], limit: i64) -> sqlx::Result<Vec<OwnRepoRow>> {
    sqlx::query_as!(
        OwnRepoRow,
        r#"select repo_type as "repo_type: RepoType", n.name as namespace, r.name
           from repos r join namespaces n using (namespace_pk)
           where namespace_pk = any($1) and (not r.private or coalesce(resource_group_pk, namespace_pk) = any($1)) and deleted_at is null order by last_modified_at desc limit $2"#,
        namespaces,
        limit
    )
    .fetch_all(pool)
    .await
}
