set local lock_timeout = '10s';
drop table git_fetches;
