-- Lists by the likes of the last days. Apart from the migration that adds the columns, which locks the table against readers: while this
-- one reads it, only writers wait.
set local lock_timeout = '10s';
create index repo_counters_likes_7d_idx on repo_counters (repo_type, likes_7d desc, repo_pk desc);
create index repo_counters_likes_30d_idx on repo_counters (repo_type, likes_30d desc, repo_pk desc);
create index repo_counters_likes_90d_idx on repo_counters (repo_type, likes_90d desc, repo_pk desc);
