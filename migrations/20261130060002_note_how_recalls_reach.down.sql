set local lock_timeout = '10s';
alter table recall_told drop column by_git, drop column service_pk;
