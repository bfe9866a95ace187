-- What was there before is looked at without keeping anybody out.
set local lock_timeout = '10s';
alter table discussion_events validate constraint discussion_events_kind_check;
