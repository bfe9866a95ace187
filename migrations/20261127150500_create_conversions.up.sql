-- Pickled weights that are made into safetensors files: who asked, how far it is, and the pull request that it became. One row for each
-- file of a repository; who asks for it again takes the row over.
create table conversions (
    conversion_pk bigint generated always as identity primary key,
    repo_pk bigint not null references repos on delete cascade,
    path text not null,
    -- In whose name the pull request is opened.
    user_pk bigint not null references users on delete cascade,
    removes_source boolean not null,
    commit_oid bytea not null check (length(commit_oid) = 20),
    -- What names the bytes that are converted.
    source text not null,
    state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
    done_bytes bigint not null default 0,
    total_bytes bigint not null,
    -- How often it was begun since something of it was done.
    tries integer not null default 0,
    -- The files that are written, which no commit has yet.
    parts jsonb not null default '[]',
    problem text,
    num bigint,
    asked_at timestamptz not null default now(),
    unique (repo_pk, path),
    check ((state = 'done') = (num is not null)),
    check ((state = 'failed') = (problem is not null))
);

create index conversions_by_user on conversions (user_pk, asked_at);
