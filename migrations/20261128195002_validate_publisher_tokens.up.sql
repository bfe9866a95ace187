-- All rows have no publisher, or one that is there. Readers and writers go on meanwhile.
set local lock_timeout = '10s';
alter table access_tokens validate constraint access_tokens_publisher_fk;
alter table access_tokens validate constraint access_tokens_publisher_repo_fk;
