//! What is recalled now: what downloads and pages of repositories ask.

use sqlx::{PgExecutor, PgPool};

/// A recall that keeps a content from being given out.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The content.
    pub content: Vec<u8>,
    /// The number of the recall.
    pub recall_pk: i64,
    /// What is wrong.
    pub category: String,
    /// The id of what to use instead, unless it is private.
    pub replacement: Option<String>,
    /// The commit of that.
    pub replacement_commit: Option<Vec<u8>>,
}

/// All contents that are recalled somewhere.
pub(in crate::recalls) async fn list_contents(pool: &PgPool) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!("select distinct content from recall_files join recalls using (recall_pk) where withdrawn_at is null")
        .fetch_all(pool)
        .await
}

/// Those of some contents that are recalled in a repository, each with the recall that reaches furthest.
pub(in crate::recalls) async fn list_standing(
    conn: impl PgExecutor<'_>,
    repo_pk: i64,
    contents: &[Vec<u8>],
) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"select distinct on (f.content) f.content, c.recall_pk, c.category,
                  case when r.repo_pk is not null then n.name || '/' || r.name end as replacement,
                  case when r.repo_pk is not null then c.replacement_commit end as replacement_commit
           from recall_files f join recalls c using (recall_pk)
           left join repos r on r.repo_pk = c.replacement_pk and r.deleted_at is null and not r.disabled
                             and (not r.private or r.repo_pk = $1)
           left join namespaces n on n.namespace_pk = r.namespace_pk
           where f.content = any($2) and c.withdrawn_at is null and (c.everywhere or c.repo_pk = $1)
           order by f.content, c.everywhere desc, c.recall_pk desc"#,
        repo_pk,
        contents
    )
    .fetch_all(conn)
    .await
}

/// The newest recall that concerns a repository.
#[derive(Debug, Clone)]
pub struct StandingInRepo {
    /// Its number.
    pub recall_pk: i64,
    /// What is wrong.
    pub category: String,
    /// What is recalled.
    pub title: String,
    /// How many there are.
    pub count: i64,
}

/// The newest recall of files that a repository has, and how many there are: its own, and those that hold everywhere, by the large
/// files that it has, and by the small ones where they were seen.
pub(in crate::recalls) async fn find_in_repo(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Option<StandingInRepo>> {
    sqlx::query_as!(
        StandingInRepo,
        r#"select c.recall_pk, c.category, c.title, count(*) over () as "count!"
           from recalls c
           where c.withdrawn_at is null and c.recall_pk in (
               select own.recall_pk from recalls own where own.repo_pk = $1
               union
               select f.recall_pk from recall_files f join repo_lfs_objects o on o.oid = f.content and o.repo_pk = $1
               join recalls e on e.recall_pk = f.recall_pk and e.everywhere and e.withdrawn_at is null
               union
               select f.recall_pk from recall_files f join recalls e on e.recall_pk = f.recall_pk and e.everywhere
               where f.repo_pk = $1)
           order by c.recall_pk desc limit 1"#,
        repo_pk
    )
    .fetch_optional(pool)
    .await
}

/// A recall that stands and is a repository's own.
pub(in crate::recalls) async fn find_of_repo(pool: &PgPool, repo_pk: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select recall_pk from recalls where repo_pk = $1 and withdrawn_at is null limit 1", repo_pk)
        .fetch_optional(pool)
        .await
}
