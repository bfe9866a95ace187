-- That somebody resolved a thread on lines, or opened it again, is told in the timeline of its pull request.
set local lock_timeout = '10s';
alter table discussion_events drop constraint discussion_events_kind_check;
alter table discussion_events add constraint discussion_events_kind_check
    check (kind in ('comment', 'status-change', 'title-change', 'commit', 'thread-change')) not valid;
