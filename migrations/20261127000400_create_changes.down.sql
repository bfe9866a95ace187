drop trigger namespaces_keep_retired on namespaces;
drop trigger namespaces_retire_deleted on namespaces;
drop trigger namespaces_retire_renamed on namespaces;
drop function keep_retired_names();
drop function retire_name();
drop table retired_names;
-- A program of before takes an old name for one that leads to its repository.
delete from repo_redirects o using repos r where r.repo_pk = o.repo_pk and r.deleted_at is not null;
create or replace view repo_names as
    select r.repo_type, lower(n.name) as namespace_key, lower(r.name) as name_key, r.repo_pk
    from repos r join namespaces n using (namespace_pk) where r.deleted_at is null
    union all
    select repo_type, namespace_key, name_key, repo_pk from repo_redirects;
alter table repos drop column changes_checked_before;
alter table repos drop column purged_at;
drop table repo_changes;
