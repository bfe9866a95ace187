set local lock_timeout = '10s';
drop index jobs_quick_idx;
drop index jobs_slow_idx;
drop index jobs_chunks_idx;
