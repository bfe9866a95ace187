-- What was there before is looked at without keeping anybody out.
set local lock_timeout = '10s';
alter table repo_changes validate constraint repo_changes_kind_check;
