set local lock_timeout = '10s';
drop index repo_counters_likes_7d_idx;
drop index repo_counters_likes_30d_idx;
drop index repo_counters_likes_90d_idx;
