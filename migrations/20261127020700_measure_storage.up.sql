-- What repositories and owners hold, kept up to date so that nobody has to add up millions of files: triggers note what changes, and a
-- job adds it up every quarter of an hour. Repositories from before are measured by that job.
set local lock_timeout = '10s';
create table repo_sizes (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    repo_type text not null,
    -- Large files and git packs, of all branches and histories.
    bytes bigint not null
);
create index repo_sizes_bytes_idx on repo_sizes (bytes desc, repo_pk desc);
create index repo_sizes_type_bytes_idx on repo_sizes (repo_type, bytes desc, repo_pk desc);

-- Only ever added to by requests, so that nobody waits for anybody.
create table repo_size_changes (
    change_pk bigint generated always as identity primary key,
    repo_pk bigint not null,
    bytes bigint not null
);
create index repo_size_changes_repo_pk_idx on repo_size_changes (repo_pk);

create table owner_sizes (
    namespace_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    is_organization boolean not null,
    repos bigint not null,
    bytes bigint not null
);
create index owner_sizes_bytes_idx on owner_sizes (bytes desc, namespace_pk desc);
create index owner_sizes_organizations_idx on owner_sizes (bytes desc, namespace_pk desc) where is_organization;

-- What the store keeps, one row a day.
create table storage_days (
    day date primary key,
    counted_at timestamptz not null,
    owned_bytes bigint not null,
    files bigint not null,
    file_bytes bigint not null,
    xorbs bigint not null,
    xorb_bytes bigint not null,
    packs bigint not null,
    pack_bytes bigint not null
);

create index repos_disabled_idx on repos (repo_pk desc) where disabled and deleted_at is null;

create function note_size_of_files() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes)
    select c.repo_pk, sum(o.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end
    from changed c join lfs_objects o using (oid) group by c.repo_pk having sum(o.size_bytes) <> 0;
    return null;
end $$;
create function note_size_of_packs() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes)
    select c.repo_pk, sum(p.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end
    from changed c join packs p using (pack_hash) group by c.repo_pk having sum(p.size_bytes) <> 0;
    return null;
end $$;
create trigger repo_lfs_objects_size_insert after insert on repo_lfs_objects
    referencing new table as changed for each statement execute function note_size_of_files();
create trigger repo_lfs_objects_size_delete after delete on repo_lfs_objects
    referencing old table as changed for each statement execute function note_size_of_files();
create trigger repo_packs_size_insert after insert on repo_packs
    referencing new table as changed for each statement execute function note_size_of_packs();
create trigger repo_packs_size_delete after delete on repo_packs
    referencing old table as changed for each statement execute function note_size_of_packs();
