-- Few people are limited; lists of collections leave out theirs.
set local lock_timeout = '10s';
create index users_limited_at_idx on users (user_pk) where limited_at is not null;
