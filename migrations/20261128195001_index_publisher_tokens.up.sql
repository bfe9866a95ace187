-- The tokens of a publisher and of a repository, which end with them. Apart from the migration that adds the columns, which locks the table
-- against readers: while this one reads it, only writers wait.
set local lock_timeout = '10s';
create index access_tokens_publisher_pk_idx on access_tokens (publisher_pk) where publisher_pk is not null;
create index access_tokens_publisher_repo_pk_idx on access_tokens (publisher_repo_pk) where publisher_repo_pk is not null;
