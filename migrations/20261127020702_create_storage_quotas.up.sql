-- What single owners may hold, where that is another limit than that of all.
create table storage_quotas (
    namespace_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    -- Nothing: as much as they like.
    limit_bytes bigint check (limit_bytes >= 0),
    reason text not null,
    set_by bigint references users (user_pk) on delete set null,
    set_at timestamptz not null default now()
);
