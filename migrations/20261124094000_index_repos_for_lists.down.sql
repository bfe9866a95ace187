drop index if exists namespaces_name_trgm_idx;
drop index if exists repos_name_trgm_idx;
drop index repos_type_size_idx, repos_space_datasets_idx, repos_space_models_idx, repos_library_name_idx, repos_pipeline_tag_idx, repos_tags_idx, repos_type_parameters_idx, repos_type_trending_idx,
    repos_type_likes_idx, repos_type_downloads_idx, repos_type_created_idx;
alter table repos drop column trending, drop column siblings, drop column parameters;
