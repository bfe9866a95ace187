-- What was deleted of collections can be restored for a time. What one was lies here as it was, so that no list must leave it out.
set local lock_timeout = '10s';
create table deleted_collections (
    collection_pk bigint primary key,
    public_id text not null unique,
    namespace_pk bigint not null references namespaces (namespace_pk) on delete cascade,
    title text not null,
    private boolean not null,
    -- Its row, its items, those of other collections that it was, and who found it good.
    contents jsonb not null,
    deleted_by bigint references users (user_pk) on delete set null,
    deleted_at timestamptz not null default now()
);
create index deleted_collections_namespace_pk_idx on deleted_collections (namespace_pk, deleted_at desc);
create index deleted_collections_deleted_at_idx on deleted_collections (deleted_at);
create index deleted_collections_deleted_by_idx on deleted_collections (deleted_by);
