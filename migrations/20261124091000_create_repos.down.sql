drop table events, repo_lfs_objects, lfs_objects, repo_packs, packs, refs, repo_redirects, repos;
