set local lock_timeout = '10s';
alter table repo_counters drop column likes_7d, drop column likes_30d, drop column likes_90d;
