-- Downloads by repository and hour. See docs/downloads.md for what is one.
create table download_hours (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    hour timestamptz not null,
    -- Of how many clients this hour was the first of the day with a commit.
    downloads bigint not null,
    -- How often files were fetched.
    requests bigint not null,
    primary key (repo_pk, hour)
);
create index download_hours_hour_idx on download_hours (hour);

-- Which clients were counted on a day, by a hash whose key is forgotten with the day: nobody can be found in here.
create table download_clients (
    day date not null,
    repo_pk bigint not null,
    client bytea not null check (length(client) = 16),
    primary key (day, repo_pk, client)
);
create table download_keys (
    day date primary key,
    key bytea not null check (length(key) = 32)
);
