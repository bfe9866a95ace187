-- Repositories, their refs (the truth about branches) and the packs that hold their objects.
create table repos (
    repo_pk bigint generated always as identity (start with 5001) primary key,
    -- The opaque `_id` that clients see: 24 hex digits.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    repo_type text not null check (repo_type in ('model', 'dataset', 'space')),
    namespace_pk bigint not null references namespaces (namespace_pk) on delete restrict,
    name text not null check (length(name) between 1 and 96),
    private boolean not null default false,
    gated text check (gated in ('auto', 'manual')),
    disabled boolean not null default false,
    default_branch text not null default 'main',
    created_at timestamptz not null default now(),
    -- When the default branch last moved.
    last_modified_at timestamptz not null default now(),
    -- The commit the derived columns below describe.
    head_oid bytea check (length(head_oid) = 20),
    downloads bigint not null default 0,
    downloads_all_time bigint not null default 0,
    likes bigint not null default 0,
    -- Derived from the default branch, in the transaction that moves it.
    card jsonb,
    tags text[] not null default '{}',
    pipeline_tag text,
    library_name text,
    file_count bigint not null default 0,
    size_bytes bigint not null default 0,
    -- Other derived facts by name: config, transformersInfo, safetensors, gguf, sdk, …
    facts jsonb not null default '{}',
    -- Grows with each pack added or replaced, so that a node knows when its disk copy is behind.
    pack_generation bigint not null default 0,
    created_by bigint references users (user_pk) on delete set null,
    deleted_at timestamptz
);
create unique index repos_type_namespace_name_idx on repos (repo_type, namespace_pk, lower(name)) where deleted_at is null;
create index repos_type_last_modified_idx on repos (repo_type, last_modified_at desc, repo_pk desc) where deleted_at is null;
create index repos_namespace_pk_idx on repos (namespace_pk, last_modified_at desc) where deleted_at is null;

-- A moved repository keeps answering to its old names.
create table repo_redirects (
    repo_type text not null,
    namespace_key text not null,
    name_key text not null,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (repo_type, namespace_key, name_key)
);
create index repo_redirects_repo_pk_idx on repo_redirects (repo_pk);

create table refs (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    name text not null,
    oid bytea not null check (length(oid) = 20),
    updated_at timestamptz not null default now(),
    primary key (repo_pk, name)
);

-- Packs in the object store, named by the SHA-1 of their content; repositories share them.
create table packs (
    pack_hash bytea primary key check (length(pack_hash) = 20),
    size_bytes bigint not null,
    object_count bigint not null,
    created_at timestamptz not null default now()
);

create table repo_packs (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    pack_hash bytea not null references packs (pack_hash) on delete restrict,
    created_at timestamptz not null default now(),
    primary key (repo_pk, pack_hash)
);
create index repo_packs_pack_hash_idx on repo_packs (pack_hash);

-- Large files in the object store, by the SHA-256 of their bytes. A row means: verified and stored.
create table lfs_objects (
    oid bytea primary key check (length(oid) = 32),
    size_bytes bigint not null check (size_bytes >= 0),
    created_at timestamptz not null default now()
);

-- Which repository proved that it has which object: only through such a row are bytes given out.
create table repo_lfs_objects (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    oid bytea not null references lfs_objects (oid) on delete restrict,
    created_at timestamptz not null default now(),
    primary key (repo_pk, oid)
);
create index repo_lfs_objects_oid_idx on repo_lfs_objects (oid);

-- What happened to a repository, written with the change itself: the outbox and the audit trail.
create table events (
    event_pk bigint generated always as identity primary key,
    repo_pk bigint not null,
    actor_pk bigint,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null default now()
);
create index events_repo_pk_idx on events (repo_pk, event_pk desc);
