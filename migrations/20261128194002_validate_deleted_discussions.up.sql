-- What was there before is looked at without keeping anybody out.
set local lock_timeout = '10s';
alter table deleted_discussions validate constraint deleted_discussions_author_pk_fkey;
alter table repo_changes validate constraint repo_changes_kind_check;
