-- What was done to repositories and can be undone for a time, written in the transaction of the change itself; and names that
-- were somebody's, which nobody else can take.
set local lock_timeout = '10s';
create table repo_changes (
    change_pk bigint generated always as identity (start with 14001) primary key,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    -- No foreign keys: what was done stays known when the account is gone.
    actor_pk bigint,
    kind text not null check (kind in ('delete_repo', 'restore_repo', 'move_repo', 'update_settings',
                                       'delete_ref', 'replace_ref', 'restore_ref')),
    -- What it was and what it became, by kind.
    details jsonb not null,
    -- What a branch or tag was before. Nothing else may lead to it: garbage collection keeps the large files that it needs.
    old_oid bytea check (length(old_oid) = 20),
    created_at timestamptz not null default now(),
    -- The change that this one took back.
    undoes bigint,
    undone_at timestamptz,
    undone_by bigint
);
create index repo_changes_repo_pk_idx on repo_changes (repo_pk, change_pk desc);
create index repo_changes_old_oid_idx on repo_changes (repo_pk, created_at) where old_oid is not null;

-- When garbage collection took what a deleted repository had: from then on it cannot come back.
alter table repos add column purged_at timestamptz;
-- Up to which time changes that could no longer be undone were looked at when its large files were.
alter table repos add column changes_checked_before timestamptz;
update repos set purged_at = now()
where deleted_at is not null
  and (repo_type <> 'bucket' and not exists (select from repo_packs p where p.repo_pk = repos.repo_pk)
       or repo_type = 'bucket' and file_count > 0
          and not exists (select from bucket_files b where b.repo_pk = repos.repo_pk));

-- Old names stay with a deleted repository, which may come back. They lead nowhere meanwhile.
create or replace view repo_names as
    select r.repo_type, lower(n.name) as namespace_key, lower(r.name) as name_key, r.repo_pk
    from repos r join namespaces n using (namespace_pk) where r.deleted_at is null
    union all
    select o.repo_type, o.namespace_key, o.name_key, o.repo_pk
    from repo_redirects o join repos r using (repo_pk) where r.deleted_at is null;

-- Names that accounts and organisations had. One that was renamed has its old names for itself; those of deleted ones are
-- nobody's for good.
create table retired_names (
    name_key text primary key,
    -- Who had it; no foreign key, since it outlives them.
    namespace_pk bigint not null,
    retired_at timestamptz not null default now()
);
create index retired_names_namespace_pk_idx on retired_names (namespace_pk);

create function retire_name() returns trigger language plpgsql as $$
begin
    insert into retired_names (name_key, namespace_pk) values (lower(old.name), old.namespace_pk)
    on conflict (name_key) do update set namespace_pk = excluded.namespace_pk, retired_at = now();
    return null;
end $$;
create trigger namespaces_retire_renamed after update on namespaces for each row
    when (lower(old.name) <> lower(new.name)) execute function retire_name();
create trigger namespaces_retire_deleted after delete on namespaces for each row execute function retire_name();

-- A trigger rather than a check in the sign-up: nothing that makes or renames an account can pass it by. Afterwards, so that it
-- sees the name that somebody else was giving up until then.
create function keep_retired_names() returns trigger language plpgsql as $$
begin
    if exists (select from retired_names where name_key = lower(new.name) and namespace_pk <> new.namespace_pk) then
        raise unique_violation using constraint = 'retired_names_pkey', message = 'the name belonged to another account';
    end if;
    delete from retired_names where name_key = lower(new.name) and namespace_pk = new.namespace_pk;
    return null;
end $$;
create trigger namespaces_keep_retired after insert or update of name on namespaces for each row
    execute function keep_retired_names();
