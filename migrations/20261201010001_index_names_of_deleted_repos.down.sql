-- Back to reading all that was deleted from a namespace.
set local lock_timeout = '10s';
drop index repos_deleted_name_idx;
