drop trigger repos_audit_group on repos;
drop trigger repos_search_group on repos;
alter table repos drop constraint repos_resource_group_fk;
-- What only a group saw is nobody's but the organisation's again.
alter table repos drop column resource_group_pk;
drop table resource_group_members, resource_groups;
drop function audit_repo_group(), audit_resource_group_member(), audit_resource_group(), belongs_to(bigint, bigint, bigint);
