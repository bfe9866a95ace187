set local lock_timeout = '10s';
drop index recall_told_service_pk_idx;
