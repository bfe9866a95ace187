set local lock_timeout = '10s';
drop index discussion_events_hidden_at_idx;
