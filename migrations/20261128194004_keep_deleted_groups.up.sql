-- A resource group that was deleted can be restored for a time, with who was in it.
set local lock_timeout = '10s';
create table deleted_resource_groups (
    resource_group_pk bigint primary key,
    public_id text not null unique,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    name text not null,
    -- Its row, its members, and the deleted repositories that were in it.
    contents jsonb not null,
    deleted_at timestamptz not null default now()
);
create index deleted_resource_groups_organization_pk_idx on deleted_resource_groups (organization_pk, deleted_at desc);
create index deleted_resource_groups_deleted_at_idx on deleted_resource_groups (deleted_at);
