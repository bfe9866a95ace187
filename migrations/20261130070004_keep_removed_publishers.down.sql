-- What was removed cannot be restored any more.
set local lock_timeout = '10s';
drop table deleted_domains;
drop table deleted_publishers;
