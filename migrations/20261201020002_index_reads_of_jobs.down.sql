set local lock_timeout = '10s';
drop index jobs_told_idx;
drop index jobs_reads_idx;
