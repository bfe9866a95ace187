-- What applications made for somebody: those with the scope `contribute-repos` may do anything with these repositories, and nothing with
-- any other.
set local lock_timeout = '10s';
create table oauth_repos (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    client_pk bigint not null references oauth_clients (client_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade
);
create index oauth_repos_client_pk_idx on oauth_repos (client_pk, user_pk, repo_pk desc);
create index oauth_repos_user_pk_idx on oauth_repos (user_pk);
