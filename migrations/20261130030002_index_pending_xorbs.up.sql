-- What an owner has sent that no file names yet is added up while they send more. By itself: what was done before is read without keeping
-- readers out.
set local lock_timeout = '10s';
create index xet_xorbs_pending_idx on xet_xorbs (first_repo_pk) include (stored_bytes) where is_pending;
