-- A discussion that was deleted can be restored for a time. What it was lies here as it was, so that no list must leave it out. And what
-- can be undone of a repository are its other settings, too.
set local lock_timeout = '10s';
alter table deleted_discussions add column discussion_pk bigint;
-- Who opened it: it is in the archive of their data.
alter table deleted_discussions add column author_pk bigint;
-- Its row, its events, what comments said before, reactions, subscriptions and files of comments. None: its time is over.
alter table deleted_discussions add column contents jsonb;
alter table deleted_discussions add constraint deleted_discussions_author_pk_fkey
    foreign key (author_pk) references users (user_pk) on delete set null not valid;
create index deleted_discussions_author_pk_idx on deleted_discussions (author_pk, discussion_pk) where author_pk is not null;
create index deleted_discussions_kept_idx on deleted_discussions (deleted_at) where contents is not null;

alter table repo_changes drop constraint repo_changes_kind_check;
alter table repo_changes add constraint repo_changes_kind_check
    check (kind in ('delete_repo', 'restore_repo', 'move_repo', 'update_settings', 'update_options', 'delete_ref', 'replace_ref',
                    'restore_ref', 'delete_discussion', 'restore_discussion')) not valid;
