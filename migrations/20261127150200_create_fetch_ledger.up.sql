-- The fetch ledger: which account was sent which file, from where, one row a day. It is asked who shall hear that a file was recalled.
create table fetches (
    -- Copies of somebody's data are read in this order.
    fetch_pk bigint generated always as identity,
    -- The SHA-256 of a large file, the git blob of a small one.
    content bytea not null check (octet_length(content) in (20, 32)),
    -- No foreign key: what a repository sent out is known when it is gone.
    repo_pk bigint not null,
    user_pk bigint not null references users (user_pk) on delete cascade,
    -- In UTC.
    day date not null,
    -- The last commit at which it was asked for, if that is known.
    commit_oid bytea,
    times integer not null,
    -- Who fetched a content begins with the content.
    primary key (content, repo_pk, user_pk, day)
);
create index fetches_user_pk_idx on fetches (user_pk, fetch_pk);
create index fetches_day_idx on fetches (day);

-- The same of those without an account: only how often.
create table anonymous_fetches (
    content bytea not null check (octet_length(content) in (20, 32)),
    repo_pk bigint not null,
    day date not null,
    times bigint not null,
    primary key (content, repo_pk, day)
);
create index anonymous_fetches_day_idx on anonymous_fetches (day);
