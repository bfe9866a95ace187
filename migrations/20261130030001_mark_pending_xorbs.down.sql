set local lock_timeout = '10s';
alter table xet_xorbs drop column is_pending;
