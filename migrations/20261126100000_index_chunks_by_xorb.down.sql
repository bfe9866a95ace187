set local lock_timeout = '10s';
delete from xet_chunks later using xet_chunks first
where first.chunk_hash = later.chunk_hash and first.xorb_hash < later.xorb_hash;
alter table xet_chunks drop constraint xet_chunks_pkey, add primary key (chunk_hash);
