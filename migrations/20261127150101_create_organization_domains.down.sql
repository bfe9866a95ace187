set local lock_timeout = '10s';
create or replace function is_told(who bigint, organization bigint, about text) returns boolean language sql stable as $$
    select about <> 'join_request'
        or (exists (select from organization_members m where m.organization_pk = organization and m.user_pk = who and m.role = 'admin')
            and not is_locked_out(organization, who))
$$;
delete from notifications where about = 'domain_join';
alter table notifications drop constraint notifications_about_check;
alter table notifications add constraint notifications_about_check
    check (about in ('join_request', 'join_accepted', 'join_rejected'));
drop trigger organization_members_end_removal on organization_members;
drop function end_organization_removal();
drop table organization_removals, organization_domains;
drop function audit_domain();
