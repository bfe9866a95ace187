set local lock_timeout = '10s';
drop table bucket_scans_due;
