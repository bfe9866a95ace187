-- Accounts and organisations are renamed: what names them by their name follows, in the same transaction and whoever does it.
set local lock_timeout = '10s';
-- The name as it was written, which cards of others still have.
alter table retired_names add column name text;

create or replace function retire_name() returns trigger language plpgsql as $$
begin
    insert into retired_names (name_key, namespace_pk, name) values (lower(old.name), old.namespace_pk, old.name)
    on conflict (name_key) do update set namespace_pk = excluded.namespace_pk, name = excluded.name, retired_at = now();
    return null;
end $$;

-- The key of whoever has a name, or had it before.
create function namespace_called(called text) returns bigint language sql stable parallel safe as $$
    select coalesce((select namespace_pk from namespaces where lower(name) = lower(called)),
                    (select namespace_pk from retired_names where name_key = lower(called)))
$$;

-- A repository also has the former names of its owner. A former name of another repository goes before that.
create or replace view repo_names as
    select r.repo_type, lower(n.name) as namespace_key, lower(r.name) as name_key, r.repo_pk
    from repos r join namespaces n using (namespace_pk) where r.deleted_at is null
    union all
    select o.repo_type, o.namespace_key, o.name_key, o.repo_pk
    from repo_redirects o join repos r using (repo_pk) where r.deleted_at is null
    union all
    select r.repo_type, t.name_key as namespace_key, lower(r.name) as name_key, r.repo_pk
    from retired_names t join repos r using (namespace_pk)
    where r.deleted_at is null and not exists (
        select from repo_redirects o join repos p using (repo_pk)
        where o.repo_type = r.repo_type and o.namespace_key = t.name_key and o.name_key = lower(r.name) and p.deleted_at is null
    );

-- What a token for chosen things may do under the new name: the same as under the old one. An entry for the new name from before
-- was for nothing, and must not come to be for something.
create function rename_scopes(scopes jsonb, old_name text, new_name text) returns jsonb language sql immutable as $$
    select jsonb_set(scopes, '{scoped}', coalesce((
        select jsonb_agg(
            case when lower(split_part(entry #>> '{entity,name}', '/', 1)) = lower(old_name)
                 then jsonb_set(entry, '{entity,name}', to_jsonb(new_name || substr(entry #>> '{entity,name}', length(old_name) + 1)))
                 else entry end
            order by position)
        from jsonb_array_elements(scopes -> 'scoped') with ordinality as entries (entry, position)
        where lower(old_name) = lower(new_name)
           or lower(split_part(entry #>> '{entity,name}', '/', 1)) is distinct from lower(new_name)
    ), '[]'))
$$;

create function follow_rename() returns trigger language plpgsql as $$
declare
    origin jsonb := nullif(current_setting('hub.origin', true), '')::jsonb;
begin
    perform write_audit(new.namespace_pk, case new.kind when 'organization' then 'organization.rename' else 'account.rename' end, new.name,
        jsonb_build_object('from', old.name, 'to', new.name), null);
    update access_tokens set scopes = rename_scopes(scopes, old.name, new.name)
    where jsonb_typeof(scopes -> 'scoped') = 'array'
      and (strpos(lower(scopes::text), '"' || lower(old.name)) > 0 or strpos(lower(scopes::text), '"' || lower(new.name)) > 0);
    -- Of a name that was taken back, what is there goes before where it led to.
    delete from repo_redirects o using repos r
    where r.namespace_pk = new.namespace_pk and r.deleted_at is null and o.repo_type = r.repo_type
      and o.namespace_key = lower(new.name) and o.name_key = lower(r.name);
    -- Webhooks hear that repositories moved; without one that listens there is nobody to tell.
    insert into events (repo_pk, actor_pk, kind, payload)
    select r.repo_pk, (origin ->> 'actor')::bigint, 'move_repo',
           jsonb_build_object('from', old.name || '/' || r.name, 'to', new.name || '/' || r.name)
    from repos r
    where r.namespace_pk = new.namespace_pk and r.deleted_at is null and exists (
        select from webhook_watches w join webhooks h using (webhook_pk)
        where not h.disabled and (w.repo_pk = r.repo_pk or w.namespace_pk = r.namespace_pk)
    )
    order by r.repo_pk;
    -- Nodes keep by name who has a picture.
    if exists (select from pictures where namespace_pk = new.namespace_pk) then
        perform pg_notify('pictures', '');
    end if;
    return null;
end $$;
create trigger namespaces_follow_rename after update on namespaces for each row
    when (old.name is distinct from new.name) execute function follow_rename();
