-- No organisation is limited.
set local lock_timeout = '10s';
drop index organizations_limited_at_idx;
