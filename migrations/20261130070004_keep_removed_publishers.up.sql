-- Trusted publishers and mail domains that were removed can be restored for a time. A domain is to be proven again: it may be somebody else's.
set local lock_timeout = '10s';
create table deleted_publishers (
    publisher_pk bigint primary key,
    repo_pk bigint references repos (repo_pk) on delete cascade,
    organization_pk bigint references organizations (organization_pk) on delete cascade,
    issuer text not null,
    project text not null,
    workflow text not null,
    environment text not null,
    branch text not null,
    project_id text,
    added_by bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null,
    last_used_at timestamptz,
    deleted_at timestamptz not null default now(),
    constraint deleted_publishers_owner_check check (num_nonnulls(repo_pk, organization_pk) = 1)
);
create index deleted_publishers_repo_pk_idx on deleted_publishers (repo_pk) where repo_pk is not null;
create index deleted_publishers_organization_pk_idx on deleted_publishers (organization_pk) where organization_pk is not null;
create index deleted_publishers_added_by_idx on deleted_publishers (added_by, publisher_pk);
create index deleted_publishers_deleted_at_idx on deleted_publishers (deleted_at);

create table deleted_domains (
    domain_pk bigint primary key,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    domain text not null,
    -- The same as before: where it is said still, the domain is proven by looking.
    challenge text not null,
    role text not null,
    created_at timestamptz not null,
    deleted_at timestamptz not null default now()
);
create index deleted_domains_organization_pk_idx on deleted_domains (organization_pk, domain_pk);
create index deleted_domains_deleted_at_idx on deleted_domains (deleted_at);
