//! Statements that count and pick repositories by task. They see what everybody sees.

use hub_types::RepoType;
use sqlx::PgPool;

/// How many repositories a task has.
#[derive(Debug, Clone)]
pub struct TaskCountRow {
    /// The task.
    pub task: String,
    /// Models or datasets.
    pub repo_type: RepoType,
    /// How many.
    pub count: i64,
}

/// A repository of a task.
#[derive(Debug, Clone)]
pub struct TaskRepoRow {
    /// The task.
    pub task: String,
    /// `namespace/name`.
    pub id: String,
    /// The library.
    pub library_name: Option<String>,
    /// Recent downloads.
    pub downloads: i64,
}

/// Counts the public models and datasets of every task.
///
/// # Errors
/// The database does not answer.
pub async fn count_by_task(pool: &PgPool) -> sqlx::Result<Vec<TaskCountRow>> {
    sqlx::query_as!(
        TaskCountRow,
        r#"select pipeline_tag as "task!", repo_type as "repo_type!: RepoType", count(*) as "count!" from repos
           where repo_type = 'model' and pipeline_tag is not null and not private and not disabled and deleted_at is null
           group by pipeline_tag, repo_type
           union all
           select substr(tag, 17), repo_type, count(*) from repos cross join unnest(tags) tag
           where repo_type = 'dataset' and tag like 'task\_categories:%' and not private and not disabled and deleted_at is null
           group by tag, repo_type"#
    )
    .fetch_all(pool)
    .await
}

/// The public models of each task with the most activity.
///
/// # Errors
/// The database does not answer.
pub async fn list_models_by_task(pool: &PgPool, tasks: &[String], limit: i64) -> sqlx::Result<Vec<TaskRepoRow>> {
    sqlx::query_as!(
        TaskRepoRow,
        r#"select task as "task!", n.name || '/' || r.name as "id!", r.library_name, r.downloads from unnest($1::text[]) task
           cross join lateral (
               select r.repo_pk, r.namespace_pk, r.name, r.library_name, c.downloads, c.trending
               from repos r join repo_counters c using (repo_pk)
               where c.repo_type = 'model' and r.repo_type = 'model' and pipeline_tag = task and not private and not disabled and deleted_at is null
               order by c.trending desc, c.repo_pk desc limit $2
           ) r join namespaces n using (namespace_pk)
           order by r.trending desc, r.repo_pk desc"#,
        tasks,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The public datasets of each task with the most activity.
///
/// # Errors
/// The database does not answer.
pub async fn list_datasets_by_task(pool: &PgPool, tasks: &[String], limit: i64) -> sqlx::Result<Vec<TaskRepoRow>> {
    sqlx::query_as!(
        TaskRepoRow,
        r#"select task as "task!", n.name || '/' || r.name as "id!", r.library_name, r.downloads from unnest($1::text[]) task
           cross join lateral (
               select r.repo_pk, r.namespace_pk, r.name, r.library_name, c.downloads, c.trending
               from repos r join repo_counters c using (repo_pk)
               where c.repo_type = 'dataset' and r.repo_type = 'dataset' and tags @> array['task_categories:' || task]
                 and not private and not disabled and deleted_at is null
               order by c.trending desc, c.repo_pk desc limit $2
           ) r join namespaces n using (namespace_pk)
           order by r.trending desc, r.repo_pk desc"#,
        tasks,
        limit
    )
    .fetch_all(pool)
    .await
}
