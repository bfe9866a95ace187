-- A chunk may lie in several xorbs, and who asks may be told of one and not of another. So the index takes more than the
-- first. Processes of the release before go on: what they insert and look up works with either key.
set local lock_timeout = '10s';
alter table xet_chunks drop constraint xet_chunks_pkey, add primary key (chunk_hash, xorb_hash);
