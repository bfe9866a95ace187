//! Statements on repositories, their names, refs and packs.

pub mod attachments;
pub mod audience;
pub mod bases;
pub mod buckets;
pub mod changes;
pub mod conversions;
pub mod derived;
pub mod discussions;
mod events;
pub mod expanded;
pub mod gating;
pub mod likes;
pub mod lineage;
pub mod listing;
pub mod named_refs;
mod names;
pub mod own;
pub mod packs;
pub mod pickles;
pub mod relations;
mod repo;
pub mod results;
pub mod scanning;
pub mod trending;
pub mod usage;

use hub_types::{Oid, RefName, RepoType};
use sqlx::{PgConnection, PgExecutor};

pub use events::{insert_event, insert_ref_event};
pub use names::{
    delete_redirect, find_moved, hold_named, insert_redirect, insert_redirects_of_former_owners, update_name, was_public,
};
use repo::RepoRow;
pub use repo::{Repo, find_repo, find_repo_by_pk, find_repo_or_deleted, find_repos_by_name, list_in_groups};

/// A new repository.
#[derive(Debug)]
pub struct NewRepoRow<'a> {
    /// Model, dataset or Space.
    pub repo_type: RepoType,
    /// The owner.
    pub namespace_pk: i64,
    /// The name.
    pub name: &'a str,
    /// Whether only members see it.
    pub private: bool,
    /// Who makes it.
    pub created_by: Option<i64>,
    /// The resource group it is put in.
    pub resource_group_pk: Option<i64>,
}

/// Makes a repository without refs.
///
/// # Errors
/// The name is taken (`repos_type_namespace_name_idx`).
pub async fn insert_repo(conn: &mut PgConnection, repo: &NewRepoRow<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into repos (repo_type, namespace_pk, name, private, created_by, resource_group_pk)
         values ($1, $2, $3, $4, $5, $6) returning repo_pk",
        repo.repo_type as RepoType,
        repo.namespace_pk,
        repo.name,
        repo.private,
        repo.created_by,
        repo.resource_group_pk
    )
    .fetch_one(conn)
    .await
}

/// Puts a repository of a namespace into a resource group or into none, and tells whether it is there.
///
/// # Errors
/// The namespace has no such group (`repos_resource_group_fk`).
pub async fn set_resource_group(
    conn: &mut PgConnection,
    repo_pk: i64,
    namespace_pk: i64,
    resource_group_pk: Option<i64>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update repos set resource_group_pk = $3 where repo_pk = $1 and namespace_pk = $2 and deleted_at is null",
        repo_pk,
        namespace_pk,
        resource_group_pk
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Hides a repository and frees its name; its rows, old names and bytes stay until they are collected.
///
/// # Errors
/// The database does not answer.
pub async fn mark_deleted(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("update repos set deleted_at = now() where repo_pk = $1 and deleted_at is null", repo_pk);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Sets visibility and gating; `None` leaves a setting as it is. When a repository first became public is kept.
///
/// # Errors
/// The database does not answer.
pub async fn update_settings(
    conn: &mut PgConnection,
    repo_pk: i64,
    private: Option<bool>,
    gated: Option<Option<&str>>,
    plain_http: Option<bool>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update repos set private = coalesce($2, private), gated = case when $3 then $4 else gated end,
                plain_http = coalesce($5, plain_http),
                published_at = case when $2 = not private then coalesce(published_at, case when private then now() else created_at end)
                                    else published_at end
         where repo_pk = $1",
        repo_pk,
        private,
        gated.is_some(),
        gated.flatten(),
        plain_http
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// A ref and where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefRow {
    /// The full name.
    pub name: RefName,
    /// The commit, or the tag object of an annotated tag.
    pub oid: Oid,
}

/// Keeps a repository as it is until the transaction ends: its refs do not move, it loses no large file. `false` when it
/// is deleted.
///
/// # Errors
/// The database does not answer.
pub async fn hold_repo(conn: &mut PgConnection, repo_pk: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select repo_pk from repos where repo_pk = $1 and deleted_at is null for share", repo_pk);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Lists all refs of a repository, by name.
///
/// # Errors
/// The database does not answer.
pub async fn list_refs(conn: impl PgExecutor<'_>, repo_pk: i64) -> sqlx::Result<Vec<RefRow>> {
    sqlx::query_as!(
        RefRow,
        r#"select name as "name: RefName", oid as "oid: Oid" from refs where repo_pk = $1 order by name"#,
        repo_pk
    )
    .fetch_all(conn)
    .await
}

/// Finds where a ref points.
///
/// # Errors
/// The database does not answer.
pub async fn find_ref(conn: impl PgExecutor<'_>, repo_pk: i64, name: &RefName) -> sqlx::Result<Option<Oid>> {
    sqlx::query_scalar!(r#"select oid as "oid: Oid" from refs where repo_pk = $1 and name = $2"#, repo_pk, name.as_str())
        .fetch_optional(conn)
        .await
}

/// Lets a new repository share the packs and the derived metadata of another one. No bytes move.
///
/// # Errors
/// The database does not answer.
pub async fn copy_contents(conn: &mut PgConnection, from_pk: i64, to_pk: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into repo_packs (repo_pk, pack_hash) select $2, pack_hash from repo_packs where repo_pk = $1",
        from_pk,
        to_pk
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update repos t set head_oid = s.head_oid, card = s.card, tags = s.tags, pipeline_tag = s.pipeline_tag,
                library_name = s.library_name, file_count = s.file_count, size_bytes = s.size_bytes, facts = s.facts,
                default_branch = s.default_branch, parameters = s.parameters, siblings = s.siblings, derived_version = s.derived_version, pack_generation = 1,
                num_rows = s.num_rows,
                labelled_by_owner = s.labelled_by_owner or s.labelled_by_moderators
         from repos s where s.repo_pk = $1 and t.repo_pk = $2",
        from_pk,
        to_pk
    )
    .execute(conn)
    .await
    .map(|_| ())
}
