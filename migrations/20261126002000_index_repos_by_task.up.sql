-- The most active models of a task: task pages and `/api/tasks` ask for the first few of each.
create index repos_pipeline_tag_trending_idx on repos (repo_type, pipeline_tag, trending desc, repo_pk desc)
    where deleted_at is null;
