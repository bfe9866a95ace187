set local lock_timeout = '10s';
drop trigger repos_search_adapters on repos;
drop function note_search_adapters();
