set local lock_timeout = '10s';
drop table oauth_repos;
