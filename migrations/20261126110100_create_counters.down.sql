drop table likes;
create index repos_type_downloads_idx on repos (repo_type, downloads desc, repo_pk desc) where deleted_at is null;
create index repos_type_likes_idx on repos (repo_type, likes desc, repo_pk desc) where deleted_at is null;
create index repos_type_trending_idx on repos (repo_type, trending desc, repo_pk desc) where deleted_at is null;
create index repos_pipeline_tag_trending_idx on repos (repo_type, pipeline_tag, trending desc, repo_pk desc)
    where deleted_at is null;
drop trigger repo_counters_search_update on repo_counters;
create trigger repos_search_counters after update on repos for each row
    when (new.repo_type <> 'bucket' and (old.downloads, old.likes, old.trending) is distinct from (new.downloads, new.likes, new.trending))
    execute function note_search_counters();
drop trigger repos_counters_insert on repos;
drop function insert_repo_counters();
drop table repo_counters;
