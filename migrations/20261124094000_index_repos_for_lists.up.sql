-- What list pages sort, filter and search by. Every list is of one type, newest or highest first.
alter table repos add column parameters bigint;
-- The paths of the first thousand files, so that lists and infos need not open the repository.
alter table repos add column siblings text[] not null default '{}';
-- What lists sort by as "trending": recent downloads, and likes that weigh more.
alter table repos add column trending bigint not null generated always as (downloads + 10 * likes) stored;

create index repos_type_created_idx on repos (repo_type, created_at desc, repo_pk desc) where deleted_at is null;
create index repos_type_downloads_idx on repos (repo_type, downloads desc, repo_pk desc) where deleted_at is null;
create index repos_type_likes_idx on repos (repo_type, likes desc, repo_pk desc) where deleted_at is null;
create index repos_type_trending_idx on repos (repo_type, trending desc, repo_pk desc) where deleted_at is null;
create index repos_type_size_idx on repos (repo_type, size_bytes desc, repo_pk desc) where deleted_at is null;
create index repos_type_parameters_idx on repos (repo_type, parameters desc, repo_pk desc)
    where deleted_at is null and parameters is not null;
create index repos_tags_idx on repos using gin (tags) where deleted_at is null;
create index repos_pipeline_tag_idx on repos (repo_type, pipeline_tag, last_modified_at desc) where deleted_at is null;
create index repos_library_name_idx on repos (repo_type, library_name, last_modified_at desc) where deleted_at is null;

-- Which Spaces use a model or a dataset.
create index repos_space_models_idx on repos using gin ((facts -> 'models')) where repo_type = 'space' and deleted_at is null;
create index repos_space_datasets_idx on repos using gin ((facts -> 'datasets')) where repo_type = 'space' and deleted_at is null;

-- Search for a part of a name needs trigrams to be quick; without the extension it reads every name.
do $$
begin
    create extension if not exists pg_trgm;
    create index repos_name_trgm_idx on repos using gin (lower(name) gin_trgm_ops) where deleted_at is null;
    create index namespaces_name_trgm_idx on namespaces using gin (lower(name) gin_trgm_ops);
exception when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'pg_trgm is not there: search by name will be slow in large hubs';
end $$;
