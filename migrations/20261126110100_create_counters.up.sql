-- How often repositories are liked and downloaded, apart from `repos`: its rows are wide and have many indexes, and a like
-- or a batch of downloads shall write a few bytes.
set local lock_timeout = '10s';
create table repo_counters (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    -- As in `repos`, where it never changes: lists are of one type.
    repo_type text not null,
    -- Of the last 30 days.
    downloads bigint not null default 0,
    downloads_all_time bigint not null default 0,
    likes bigint not null default 0,
    -- What lists sort by first; see docs/trending.md.
    trending bigint not null default 0
) with (fillfactor = 80);
lock table repos in share row exclusive mode;
insert into repo_counters (repo_pk, repo_type, downloads, downloads_all_time, likes, trending)
select repo_pk, repo_type, downloads, downloads_all_time, likes, trending from repos;
create index repo_counters_trending_idx on repo_counters (repo_type, trending desc, repo_pk desc);
create index repo_counters_downloads_idx on repo_counters (repo_type, downloads desc, repo_pk desc);
create index repo_counters_likes_idx on repo_counters (repo_type, likes desc, repo_pk desc);

-- A trigger, so that processes of the release before make these rows, too.
create function insert_repo_counters() returns trigger language plpgsql as $$
begin
    insert into repo_counters (repo_pk, repo_type, downloads, downloads_all_time, likes, trending)
    values (new.repo_pk, new.repo_type, new.downloads, new.downloads_all_time, new.likes, new.trending);
    return null;
end $$;
create trigger repos_counters_insert after insert on repos for each row execute function insert_repo_counters();

-- The search index hears of counters from here. The columns of `repos` stay for processes of the release before, which only
-- read them; nothing sorts by them any more.
drop trigger repos_search_counters on repos;
create trigger repo_counters_search_update after update on repo_counters for each row
    when (new.repo_type <> 'bucket' and (old.downloads, old.likes, old.trending) is distinct from (new.downloads, new.likes, new.trending))
    execute function note_search_counters();
drop index repos_type_downloads_idx;
drop index repos_type_likes_idx;
drop index repos_type_trending_idx;
drop index repos_pipeline_tag_trending_idx;

-- Who likes what.
create table likes (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (repo_pk, user_pk)
);
create index likes_repo_pk_created_at_idx on likes (repo_pk, created_at desc, user_pk desc);
create index likes_user_pk_created_at_idx on likes (user_pk, created_at desc, repo_pk desc);
