-- Whether a name that is not there any more was that of a public repository: asked each time when somebody asks for what is missing.
-- Not `concurrently`: that waits for nodes that start meanwhile, and they wait for the lock that sqlx holds during migrations.
set local lock_timeout = '10s';
create index repos_deleted_name_idx on repos (namespace_pk, repo_type, lower(name)) where deleted_at is not null;
