-- Notifications that are about a recall.
set local lock_timeout = '10s';
alter table notifications add column recall_pk bigint references recalls (recall_pk) on delete cascade;
alter table notifications drop constraint notifications_subject;
alter table notifications drop constraint notifications_about_check;
-- Not validated: no row of before is about a recall, and reading them would keep readers away meanwhile. New ones are checked.
alter table notifications add constraint notifications_about_check
    check (about in ('join_request', 'join_accepted', 'join_rejected', 'domain_join', 'recall', 'recall_withdrawn')) not valid;
alter table notifications add constraint notifications_subject
    check (num_nonnulls(repo_pk, organization_pk, recall_pk) = 1 and (about is null) = (repo_pk is not null)
           and (recall_pk is not null) = (about is not null and about in ('recall', 'recall_withdrawn'))) not valid;
