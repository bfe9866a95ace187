alter table repos drop column published_at;
alter table users drop column email_confirmed_at, drop column email_asked_at;
drop table saved_searches;
