set local lock_timeout = '10s';
alter table access_tokens drop column requests_limit;
