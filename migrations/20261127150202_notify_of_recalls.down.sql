set local lock_timeout = '10s';
delete from notifications where repo_pk is null and organization_pk is null;
alter table notifications drop constraint notifications_subject;
alter table notifications drop constraint notifications_about_check;
alter table notifications drop column recall_pk;
alter table notifications add constraint notifications_about_check
    check (about in ('join_request', 'join_accepted', 'join_rejected', 'domain_join')) not valid;
alter table notifications add constraint notifications_subject
    check ((repo_pk is null) <> (organization_pk is null) and (about is null) = (organization_pk is null)) not valid;
