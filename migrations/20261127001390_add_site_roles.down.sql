drop trigger users_audit_moderator on users;
drop function audit_moderator();
alter table users drop column is_moderator;
