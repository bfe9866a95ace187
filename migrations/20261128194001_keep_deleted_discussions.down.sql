set local lock_timeout = '10s';
delete from repo_changes where kind in ('update_options', 'delete_discussion', 'restore_discussion');
alter table repo_changes drop constraint repo_changes_kind_check;
alter table repo_changes add constraint repo_changes_kind_check
    check (kind in ('delete_repo', 'restore_repo', 'move_repo', 'update_settings', 'delete_ref', 'replace_ref', 'restore_ref'));
drop index deleted_discussions_kept_idx;
drop index deleted_discussions_author_pk_idx;
alter table deleted_discussions drop constraint deleted_discussions_author_pk_fkey;
alter table deleted_discussions drop column contents;
alter table deleted_discussions drop column author_pk;
alter table deleted_discussions drop column discussion_pk;
