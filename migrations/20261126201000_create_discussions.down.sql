drop table discussion_edits;
drop table discussion_events;
drop table discussions;
