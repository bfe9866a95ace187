-- What was hidden longest ago is forgotten first. By itself: the column was added without keeping readers out.
set local lock_timeout = '10s';
create index discussion_events_hidden_at_idx on discussion_events (hidden_at) where kept_body is not null;
