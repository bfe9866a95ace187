drop table lfs_locks;
drop table lfs_uploads;
