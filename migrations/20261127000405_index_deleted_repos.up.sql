-- What was deleted from a namespace, the last deleted first. Apart from the migration before, which locks repositories against readers:
-- while this one reads all of them, only writers wait. Not `concurrently`: that waits for nodes that start meanwhile, and they wait
-- for the lock that sqlx holds during migrations.
set local lock_timeout = '10s';
create index repos_namespace_pk_deleted_idx on repos (namespace_pk, deleted_at desc) where deleted_at is not null;
