set local lock_timeout = '10s';
delete from discussion_events where kind = 'thread-change';
alter table discussion_events drop constraint discussion_events_kind_check;
alter table discussion_events add constraint discussion_events_kind_check
    check (kind in ('comment', 'status-change', 'title-change', 'commit'));
