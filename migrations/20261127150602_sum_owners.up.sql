-- What owners hold is known without adding up all their repositories: changes name the owner whom they are about, and `owner_sizes` has
-- what was added up, so that the two together are what there is. A repository that moves, goes or comes back is such a change, too. Files
-- in discussions count as what else a repository holds.
set local lock_timeout = '10s';
-- Nothing: a change of the owner alone.
alter table repo_size_changes alter column repo_pk drop not null;
-- Nothing: the repository is deleted.
alter table repo_size_changes add column owner_pk bigint;
create index repo_size_changes_owner_pk_idx on repo_size_changes (owner_pk);

create function owner_of_live_repo(bigint) returns bigint language sql stable as $$
    select namespace_pk from repos where repo_pk = $1 and deleted_at is null
$$;
create or replace function note_size_of_files() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    select c.repo_pk, sum(o.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end, owner_of_live_repo(c.repo_pk)
    from changed c join lfs_objects o using (oid) group by c.repo_pk having sum(o.size_bytes) <> 0;
    return null;
end $$;
create or replace function note_size_of_packs() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    select c.repo_pk, sum(p.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end, owner_of_live_repo(c.repo_pk)
    from changed c join packs p using (pack_hash) group by c.repo_pk having sum(p.size_bytes) <> 0;
    return null;
end $$;
create function note_size_of_attachments() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    select repo_pk, sum(size_bytes) * case tg_op when 'INSERT' then 1 else -1 end, owner_of_live_repo(repo_pk)
    from changed group by repo_pk;
    return null;
end $$;
create trigger attachments_size_insert after insert on attachments
    referencing new table as changed for each statement execute function note_size_of_attachments();
create trigger attachments_size_delete after delete on attachments
    referencing old table as changed for each statement execute function note_size_of_attachments();

create function note_size_of_repo() returns trigger language plpgsql as $$
declare
    held bigint := coalesce((select bytes from repo_sizes where repo_pk = new.repo_pk), 0)
        + coalesce((select sum(bytes) from repo_size_changes where repo_pk = new.repo_pk), 0);
begin
    if held <> 0 and old.deleted_at is null then
        insert into repo_size_changes (bytes, owner_pk) values (-held, old.namespace_pk);
    end if;
    if held <> 0 and new.deleted_at is null then
        insert into repo_size_changes (bytes, owner_pk) values (held, new.namespace_pk);
    end if;
    return null;
end $$;
create trigger repos_size after update of namespace_pk, deleted_at on repos for each row
    when ((old.namespace_pk, old.deleted_at is null) is distinct from (new.namespace_pk, new.deleted_at is null))
    execute function note_size_of_repo();

-- What there is already. Who adds something meanwhile waits for this transaction.
update repo_size_changes set owner_pk = owner_of_live_repo(repo_pk);
insert into repo_size_changes (repo_pk, bytes, owner_pk)
select repo_pk, sum(size_bytes), owner_of_live_repo(repo_pk) from attachments a
where exists (select from repo_sizes s where s.repo_pk = a.repo_pk) group by repo_pk;
insert into owner_sizes as o (namespace_pk, is_organization, repos, bytes)
select r.namespace_pk, n.kind = 'organization', count(*), coalesce(sum(s.bytes), 0)
from repos r join namespaces n using (namespace_pk) left join repo_sizes s using (repo_pk)
where r.deleted_at is null group by r.namespace_pk, n.kind
on conflict (namespace_pk) do update set repos = excluded.repos, bytes = excluded.bytes
where (o.repos, o.bytes) is distinct from (excluded.repos, excluded.bytes);
delete from owner_sizes o where not exists (select from repos r where r.namespace_pk = o.namespace_pk and r.deleted_at is null);
