-- Files that lie under keys with a nonce cannot be found by what comes before.
do $$
begin
    if exists (select from lfs_objects where is_plain and nonce is not null) then
        raise exception 'large files were stored under keys that the older program does not know';
    end if;
end $$;
drop table gc_runs;
drop table doomed_objects;
drop index repos_deleted_at_idx;
alter table repos drop column large_files_checked_at, drop column large_files_checked_before, drop column held_generation;
alter table repo_lfs_objects drop column wanted_at;
alter table lfs_objects drop column condemned_at, drop column plain_since, drop column nonce;
