set local lock_timeout = '10s';
drop trigger repos_size on repos;
drop function note_size_of_repo();
drop trigger attachments_size_delete on attachments;
drop trigger attachments_size_insert on attachments;
drop function note_size_of_attachments();
create or replace function note_size_of_packs() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes)
    select c.repo_pk, sum(p.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end
    from changed c join packs p using (pack_hash) group by c.repo_pk having sum(p.size_bytes) <> 0;
    return null;
end $$;
create or replace function note_size_of_files() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes)
    select c.repo_pk, sum(o.size_bytes) * case tg_op when 'INSERT' then 1 else -1 end
    from changed c join lfs_objects o using (oid) group by c.repo_pk having sum(o.size_bytes) <> 0;
    return null;
end $$;
drop function owner_of_live_repo(bigint);
-- Files in discussions count no longer.
insert into repo_size_changes (repo_pk, bytes) select repo_pk, -sum(size_bytes) from attachments group by repo_pk;
delete from repo_size_changes where repo_pk is null;
alter table repo_size_changes drop column owner_pk;
alter table repo_size_changes alter column repo_pk set not null;
