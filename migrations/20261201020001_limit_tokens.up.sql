-- The owner of a token may let it make fewer requests than their account may, so that one program leaves some to the others.
set local lock_timeout = '10s';
alter table access_tokens add column requests_limit bigint;
