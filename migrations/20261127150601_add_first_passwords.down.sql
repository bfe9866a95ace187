set local lock_timeout = '10s';
alter table users drop column password_ends_at;
