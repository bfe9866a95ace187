-- For the day on which a name goes. By itself: what was noted before is read without keeping readers out.
set local lock_timeout = '10s';
create index recall_told_service_pk_idx on recall_told (service_pk) where service_pk is not null;
