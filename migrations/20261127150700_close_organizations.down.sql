drop trigger repos_refuse_deleted_update on repos;
drop trigger repos_refuse_deleted_insert on repos;
drop function refuse_deleted_namespace();
drop trigger organization_members_refuse_closed on organization_members;
drop function refuse_closed_organization();
-- They are open again, without their repositories, which their admins can restore.
update namespaces set kind = 'organization' where namespace_pk in (select organization_pk from closed_organizations);
insert into organization_members (organization_pk, user_pk, role, created_at)
select organization_pk, user_pk, role, created_at from closed_organization_members;
insert into resource_group_members (resource_group_pk, organization_pk, user_pk, role, created_at)
select resource_group_pk, organization_pk, user_pk, role, created_at from closed_group_members;
drop table closed_group_members;
drop table closed_organization_members;
drop table closed_organizations;
drop function audit_closed_organization();
