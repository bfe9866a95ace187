drop trigger organization_requests_read on organization_requests;
drop function read_join_requests(), is_told(bigint, bigint, text);
alter table notifications drop constraint notifications_subject;
delete from notifications where repo_pk is null;
alter table notifications drop column organization_pk, drop column about, drop column actor_pk, alter column repo_pk set not null;
