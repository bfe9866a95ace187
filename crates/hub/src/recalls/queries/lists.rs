//! What people read of recalls. A recall of a private repository is in the answers for those only who may know of that.

use chrono::{DateTime, Utc};
use hub_types::RepoType;
use sqlx::PgPool;

/// A recall as its page and the API show it.
#[derive(Debug, Clone)]
pub struct RecallRow {
    /// Its number.
    pub recall_pk: i64,
    /// Whether it holds in every repository.
    pub everywhere: bool,
    /// What is wrong.
    pub category: String,
    /// What is recalled.
    pub title: String,
    /// Why, in Markdown.
    pub body: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    pub withdrawn_why: String,
    /// The key of the repository where it holds, whether or not the viewer may know of that.
    pub repo_pk: Option<i64>,
    /// Its type, if the viewer may know of it.
    pub repo_type: Option<RepoType>,
    /// Its id, if the viewer may know of it.
    pub repo: Option<String>,
    /// Its default branch, if the viewer may know of it.
    pub branch: Option<String>,
    /// The type of what to use instead, if the viewer may know of it.
    pub replacement_type: Option<RepoType>,
    /// The id of that.
    pub replacement: Option<String>,
    /// The commit of that.
    pub replacement_commit: Option<Vec<u8>>,
}

/// Whether somebody sees everything, and of which namespaces and groups private repositories.
pub type Sees = (bool, Vec<i64>);

/// The numbers of recalls below one, the newest first.
pub(in crate::recalls) async fn list_keys(pool: &PgPool, sees: &Sees, before: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select c.recall_pk from recalls c left join repos r on r.repo_pk = c.repo_pk
         where c.recall_pk < $1
           and (c.everywhere or (r.deleted_at is null and ($2 or (not r.disabled and (
                not (r.private or r.unlisted) or coalesce(r.resource_group_pk, r.namespace_pk) = any($3))))))
         order by c.recall_pk desc limit $4",
        before,
        sees.0,
        &sees.1,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The same of those that are of some contents.
pub(in crate::recalls) async fn list_keys_of(
    pool: &PgPool,
    sees: &Sees,
    contents: &[Vec<u8>],
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select c.recall_pk from recalls c left join repos r on r.repo_pk = c.repo_pk
         where c.recall_pk in (select f.recall_pk from recall_files f where f.content = any($5)) and c.recall_pk < $1
           and (c.everywhere or (r.deleted_at is null and ($2 or (not r.disabled and (
                not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($3))))))
         order by c.recall_pk desc limit $4",
        before,
        sees.0,
        &sees.1,
        limit,
        contents
    )
    .fetch_all(pool)
    .await
}

/// Recalls by number, the newest first, with what a viewer may know of their repositories.
pub(in crate::recalls) async fn list_by_keys(pool: &PgPool, sees: &Sees, keys: &[i64]) -> sqlx::Result<Vec<RecallRow>> {
    sqlx::query_as!(
        RecallRow,
        r#"select c.recall_pk, c.everywhere, c.category, c.title, c.body, c.created_at, c.withdrawn_at, c.withdrawn_why, c.repo_pk,
                  r.repo_type as "repo_type?: RepoType",
                  case when r.repo_pk is not null then n.name || '/' || r.name end as repo, r.default_branch as "branch?",
                  p.repo_type as "replacement_type?: RepoType",
                  case when p.repo_pk is not null then m.name || '/' || p.name end as replacement,
                  case when p.repo_pk is not null then c.replacement_commit end as replacement_commit
           from recalls c
           left join repos r on r.repo_pk = c.repo_pk and r.deleted_at is null and ($2 or (not r.disabled and (
                not r.private or coalesce(r.resource_group_pk, r.namespace_pk) = any($3))))
           left join namespaces n on n.namespace_pk = r.namespace_pk
           left join repos p on p.repo_pk = c.replacement_pk and p.deleted_at is null and ($2 or (not p.disabled and (
                not p.private or coalesce(p.resource_group_pk, p.namespace_pk) = any($3))))
           left join namespaces m on m.namespace_pk = p.namespace_pk
           where c.recall_pk = any($1) order by c.recall_pk desc"#,
        keys,
        sees.0,
        &sees.1
    )
    .fetch_all(pool)
    .await
}

/// A file of a recall.
#[derive(Debug, Clone)]
pub struct FileRow {
    /// The recall.
    pub recall_pk: i64,
    /// The content.
    pub content: Vec<u8>,
    /// Its path in the repository of the recall; of others, nothing.
    pub path: String,
    /// Its size.
    pub size_bytes: Option<i64>,
}

/// The files of some recalls.
pub(in crate::recalls) async fn list_files(pool: &PgPool, keys: &[i64]) -> sqlx::Result<Vec<FileRow>> {
    sqlx::query_as!(
        FileRow,
        r#"select f.recall_pk, f.content, case when c.everywhere then '' else f.path end as "path!", f.size_bytes
           from recall_files f join recalls c using (recall_pk) where f.recall_pk = any($1) order by f.recall_pk desc, f.path, f.content"#,
        keys
    )
    .fetch_all(pool)
    .await
}

/// A repository that has a recalled file.
#[derive(Debug, Clone)]
pub struct PlaceRow {
    /// Its type.
    pub repo_type: RepoType,
    /// Its id.
    pub id: String,
}

/// Some of the repositories that a viewer sees and that have one of these large files.
pub(in crate::recalls) async fn list_places(
    pool: &PgPool,
    sees: &Sees,
    contents: &[Vec<u8>],
    limit: i64,
) -> sqlx::Result<Vec<PlaceRow>> {
    sqlx::query_as!(
        PlaceRow,
        r#"select r.repo_type as "repo_type: RepoType", n.name || '/' || r.name as "id!"
           from repos r join namespaces n using (namespace_pk)
           where r.repo_pk in (select o.repo_pk from repo_lfs_objects o where o.oid = any($1)) and r.deleted_at is null
             and ($2 or (not r.disabled and (
                 not (r.private or r.unlisted) or coalesce(r.resource_group_pk, r.namespace_pk) = any($3))))
           order by r.repo_pk limit $4"#,
        contents,
        sees.0,
        &sees.1,
        limit
    )
    .fetch_all(pool)
    .await
}
