alter table repos drop column discussions_disabled;
drop table deleted_discussions;
drop table discussion_reactions;
drop table notification_mails;
drop table notification_settings;
drop table namespace_watches;
drop table repo_watches;
drop table notifications;
