-- Files are sent before it is known what they are for (`POST /uploads`, as `hf discussions comment --attach` does): nobody but who sent
-- one sees it, until a comment of theirs names it. From then on it is one of that comment's repository.
set local lock_timeout = '10s';
alter table attachments alter column repo_pk drop not null;

create or replace function note_size_of_attachments() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    select repo_pk, sum(size_bytes) * case tg_op when 'INSERT' then 1 else -1 end, owner_of_live_repo(repo_pk)
    from changed where repo_pk is not null group by repo_pk;
    return null;
end $$;
create function note_size_of_placed_attachment() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    values (new.repo_pk, new.size_bytes, owner_of_live_repo(new.repo_pk));
    return null;
end $$;
create trigger attachments_size_placed after update of repo_pk on attachments for each row
    when (old.repo_pk is null and new.repo_pk is not null) execute function note_size_of_placed_attachment();
