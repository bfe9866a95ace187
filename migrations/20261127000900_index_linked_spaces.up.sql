-- Spaces that name models or datasets (`linked=true` of `/api/spaces`): where few do, all Spaces are read for a page without this.
-- Not `concurrently`: nodes that start together wait for each other with a lock that such an index would wait for.
set local lock_timeout = '10s';
create index repos_linked_spaces_idx on repos (repo_type, last_modified_at desc, repo_pk desc)
    where repo_type = 'space' and deleted_at is null and (facts ? 'models' or facts ? 'datasets');
