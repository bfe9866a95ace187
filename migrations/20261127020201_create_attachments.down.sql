drop trigger discussion_events_note_attachments on discussion_events;
drop trigger discussion_events_note_attachments_update on discussion_events;
drop table attachment_uses, attachments;
drop function note_attachment_uses();
drop function doom_attachment();
