-- Collections of organisations are in resource groups, too (`update_collection_resource_group`): what is private in one, its members see.
-- Not validated: all rows are null. New values are checked.
set local lock_timeout = '10s';
alter table collections add column resource_group_pk bigint;
alter table collections add constraint collections_resource_group_fk foreign key (resource_group_pk, namespace_pk)
    references resource_groups (resource_group_pk, organization_pk) not valid;
create index collections_resource_group_pk_idx on collections (resource_group_pk) where resource_group_pk is not null;
