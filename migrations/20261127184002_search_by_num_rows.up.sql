-- The index has the rows of a dataset: it hears when they alone change.
set local lock_timeout = '10s';
create trigger repos_search_rows after update on repos for each row
    when (new.repo_type <> 'bucket' and old.num_rows is distinct from new.num_rows) execute function note_search_change();
