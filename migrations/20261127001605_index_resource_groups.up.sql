-- The repositories of a group. Apart from the migration before, which locks repositories against readers: while this one reads all of
-- them, only writers wait.
set local lock_timeout = '10s';
create index repos_resource_group_pk_idx on repos (resource_group_pk, repo_pk) where resource_group_pk is not null;
