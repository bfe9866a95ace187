set local lock_timeout = '10s';
delete from repo_changes where kind = 'decide_access';
alter table repo_changes drop constraint repo_changes_kind_check;
alter table repo_changes add constraint repo_changes_kind_check
    check (kind in ('delete_repo', 'restore_repo', 'move_repo', 'update_settings', 'update_options', 'delete_ref', 'replace_ref',
                    'restore_ref', 'delete_discussion', 'restore_discussion')) not valid;
