drop trigger repos_search_rows on repos;
