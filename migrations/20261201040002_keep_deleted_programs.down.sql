-- What was deleted cannot be restored any more.
set local lock_timeout = '10s';
drop table deleted_applications;
drop table deleted_service_accounts;
