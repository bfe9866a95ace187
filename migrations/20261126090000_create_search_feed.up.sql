-- What the search index has to hear about, one row per change of a repository, written with the change itself.
create table search_changes (
    change_pk bigint generated always as identity primary key,
    repo_pk bigint not null,
    -- Whether only counters changed, which costs an index less.
    counters_only boolean not null,
    -- The order in which indexes read them. Given one after another under a lock, so that whatever becomes visible
    -- later has a higher number; null until then.
    position bigint unique,
    created_at timestamptz not null default now()
);
create index search_changes_waiting_idx on search_changes (change_pk) where position is null;
create sequence search_position_seq;

-- The card's text, for searching. Apart from `repos`, whose rows are rewritten often.
create table repo_texts (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    card text not null
);

-- A trigger rather than a call in each operation: no write, of today or of later, can pass it by.
create function note_search_change() returns trigger language plpgsql as $$
begin
    insert into search_changes (repo_pk, counters_only) values (coalesce(new.repo_pk, old.repo_pk), false);
    return null;
end $$;
create trigger repos_search_insert after insert on repos for each row
    when (new.repo_type <> 'bucket') execute function note_search_change();
create trigger repos_search_delete after delete on repos for each row
    when (old.repo_type <> 'bucket') execute function note_search_change();
create trigger repos_search_update after update on repos for each row
    when (new.repo_type <> 'bucket' and (
        (old.namespace_pk, old.name, old.private, old.gated, old.disabled, old.deleted_at, old.head_oid, old.last_modified_at,
         old.tags, old.pipeline_tag, old.library_name, old.size_bytes, old.parameters, old.facts)
        is distinct from
        (new.namespace_pk, new.name, new.private, new.gated, new.disabled, new.deleted_at, new.head_oid, new.last_modified_at,
         new.tags, new.pipeline_tag, new.library_name, new.size_bytes, new.parameters, new.facts)))
    execute function note_search_change();

create function note_search_counters() returns trigger language plpgsql as $$
begin
    insert into search_changes (repo_pk, counters_only) values (new.repo_pk, true);
    return null;
end $$;
create trigger repos_search_counters after update on repos for each row
    when (new.repo_type <> 'bucket' and (old.downloads, old.likes, old.trending) is distinct from (new.downloads, new.likes, new.trending))
    execute function note_search_counters();

-- A repository is also searched by the names of its owner. The argument is the column that has the owner's key.
create function note_search_owner() returns trigger language plpgsql as $$
begin
    insert into search_changes (repo_pk, counters_only)
    select repo_pk, false from repos
    where namespace_pk = (to_jsonb(new) ->> tg_argv[0])::bigint and repo_type <> 'bucket' and deleted_at is null;
    return null;
end $$;
create trigger namespaces_search_update after update on namespaces for each row
    when (old.name is distinct from new.name) execute function note_search_owner('namespace_pk');
create trigger users_search_update after update on users for each row
    when (old.fullname is distinct from new.fullname) execute function note_search_owner('user_pk');
create trigger organizations_search_update after update on organizations for each row
    when (old.fullname is distinct from new.fullname) execute function note_search_owner('organization_pk');

create function notify_search() returns trigger language plpgsql as $$
begin
    perform pg_notify('search', '');
    return null;
end $$;
create trigger search_changes_notify after insert on search_changes for each statement execute function notify_search();
