-- A xorb that no file names yet counts for the owner it was sent for, or somebody could store without end. Those that are here already
-- are taken for named: most are. Processes of the release before go on, and theirs do not count.
set local lock_timeout = '10s';
alter table xet_xorbs add column is_pending boolean not null default false;
