drop trigger repos_search_unlisted on repos;
drop trigger repos_keep_unlisted on repos;
drop function keep_unlisted();
alter table repos drop column unlisted;
alter table users drop column limited_at;
