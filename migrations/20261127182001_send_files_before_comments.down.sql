delete from attachments where repo_pk is null;
drop trigger attachments_size_placed on attachments;
drop function note_size_of_placed_attachment();
create or replace function note_size_of_attachments() returns trigger language plpgsql as $$
begin
    insert into repo_size_changes (repo_pk, bytes, owner_pk)
    select repo_pk, sum(size_bytes) * case tg_op when 'INSERT' then 1 else -1 end, owner_of_live_repo(repo_pk)
    from changed group by repo_pk;
    return null;
end $$;
alter table attachments alter column repo_pk set not null;
