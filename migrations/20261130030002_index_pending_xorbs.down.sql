set local lock_timeout = '10s';
drop index xet_xorbs_pending_idx;
