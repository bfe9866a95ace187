-- Which account was sent a pack of git, from which repository, one row a day: small files are in packs, which are given out whole.
set local lock_timeout = '10s';
create table git_fetches (
    -- Copies of somebody's data are read in this order.
    fetch_pk bigint generated always as identity,
    -- No foreign key: what a repository sent out is known when it is gone.
    repo_pk bigint not null,
    user_pk bigint not null references users (user_pk) on delete cascade,
    -- In UTC.
    day date not null,
    -- The commit of the default branch when it was fetched last.
    commit_oid bytea,
    times integer not null,
    -- Who fetched a repository begins with the repository.
    primary key (repo_pk, user_pk, day)
);
create index git_fetches_user_pk_idx on git_fetches (user_pk, fetch_pk);
create index git_fetches_day_idx on git_fetches (day);
