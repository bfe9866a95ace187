-- Service accounts and applications of developers that were deleted can be restored for a time. Their tokens stay revoked.
set local lock_timeout = '10s';
create table deleted_service_accounts (
    -- Its name is kept by its namespace, which nobody else gets.
    user_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    -- Its role in the organisation.
    role text not null,
    -- Its row, those of the resource groups that it was in, and the keys of the repositories that it made.
    contents jsonb not null,
    deleted_at timestamptz not null default now()
);
create index deleted_service_accounts_organization_pk_idx on deleted_service_accounts (organization_pk, user_pk);
create index deleted_service_accounts_deleted_at_idx on deleted_service_accounts (deleted_at);

create table deleted_applications (
    client_pk bigint primary key,
    client_id text not null unique,
    user_pk bigint not null references users (user_pk) on delete cascade,
    name text not null,
    homepage text not null,
    redirect_uris text[] not null,
    scopes text[] not null,
    -- With the same secret as before, of which this is the hash.
    secret_hash bytea,
    created_at timestamptz not null,
    deleted_at timestamptz not null default now()
);
create index deleted_applications_user_pk_idx on deleted_applications (user_pk, client_pk);
create index deleted_applications_deleted_at_idx on deleted_applications (deleted_at);
