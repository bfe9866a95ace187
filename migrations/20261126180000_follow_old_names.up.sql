-- The old name as it was written: cards that were written before a repository moved name it so.
alter table repo_redirects add column old_id text;

-- Every name that leads to a repository, in lower case.
create view repo_names as
    select r.repo_type, lower(n.name) as namespace_key, lower(r.name) as name_key, r.repo_pk
    from repos r join namespaces n using (namespace_pk) where r.deleted_at is null
    union all
    select repo_type, namespace_key, name_key, repo_pk from repo_redirects;
