-- Lists leave out what limited organisations have: there are few of them.
set local lock_timeout = '10s';
create index organizations_limited_at_idx on organizations (organization_pk) where limited_at is not null;
