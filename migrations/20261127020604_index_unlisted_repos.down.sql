drop index repos_unlisted_idx;
