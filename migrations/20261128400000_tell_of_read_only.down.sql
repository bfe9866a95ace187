-- Nobody is told why.
set local lock_timeout = '10s';
alter table flag_changes drop column told;
