-- Paths of buckets that changed and were not looked at for what is dangerous since. A row is there for some seconds; a repository in git
-- tells the same by its events.
set local lock_timeout = '10s';
create table bucket_scans_due (
    due_pk bigint generated always as identity primary key,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    path text collate "C" not null,
    -- Who changed it, and is told when it is bad.
    actor_pk bigint references users (user_pk) on delete set null,
    -- Whether it changed just now, and did not only come up again for newer rules.
    is_news boolean not null
);
create index bucket_scans_due_repo_pk_idx on bucket_scans_due (repo_pk, due_pk);
create index bucket_scans_due_actor_pk_idx on bucket_scans_due (actor_pk) where actor_pk is not null;
