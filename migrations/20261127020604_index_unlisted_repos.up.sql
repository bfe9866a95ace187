-- Few repositories are unlisted: those of people whom moderators limited.
set local lock_timeout = '10s';
create index repos_unlisted_idx on repos (namespace_pk) where unlisted;
