-- Lists by the number of rows. Apart from the migration before, which locks repositories against readers: while this one reads the
-- datasets, only writers wait.
set local lock_timeout = '10s';
create index repos_num_rows_idx on repos (num_rows desc, repo_pk desc) where repo_type = 'dataset' and deleted_at is null;
