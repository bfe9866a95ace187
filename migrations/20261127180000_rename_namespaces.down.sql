set local lock_timeout = '10s';
drop trigger namespaces_follow_rename on namespaces;
drop function follow_rename();
drop function rename_scopes(jsonb, text, text);
create or replace view repo_names as
    select r.repo_type, lower(n.name) as namespace_key, lower(r.name) as name_key, r.repo_pk
    from repos r join namespaces n using (namespace_pk) where r.deleted_at is null
    union all
    select o.repo_type, o.namespace_key, o.name_key, o.repo_pk
    from repo_redirects o join repos r using (repo_pk) where r.deleted_at is null;
drop function namespace_called(text);
create or replace function retire_name() returns trigger language plpgsql as $$
begin
    insert into retired_names (name_key, namespace_pk) values (lower(old.name), old.namespace_pk)
    on conflict (name_key) do update set namespace_pk = excluded.namespace_pk, retired_at = now();
    return null;
end $$;
alter table retired_names drop column name;
