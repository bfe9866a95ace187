-- Large files kept as chunks (Xet): a xorb holds chunks, a file is a list of runs of chunks in xorbs. Every table is
-- reached by a hash as its key, so each can later be partitioned by the first byte of it.
-- A large file lies whole under `lfs/`, or in chunks, or both; its identity is its SHA-256 either way.
alter table lfs_objects add column is_plain boolean not null default true;
alter table lfs_objects add column file_hash bytea check (length(file_hash) = 32);
alter table lfs_objects add constraint lfs_objects_somewhere check (is_plain or file_hash is not null);

create table xet_xorbs (
    xorb_hash bytea primary key check (length(xorb_hash) = 32),
    -- Part of the key in the store: two serialisations of one xorb never meet there, nor a new one with a deletion.
    nonce bigint not null,
    chunk_count integer not null check (chunk_count > 0),
    raw_bytes bigint not null check (raw_bytes > 0),
    stored_bytes bigint not null check (stored_bytes > 0),
    -- Who sent it: its namespace may be told that it is here.
    first_repo_pk bigint references repos (repo_pk) on delete set null,
    -- Until then some client may come to refer to it, so it stays.
    lease_until timestamptz not null,
    -- Set by garbage collection: nobody refers to it, and it goes unless somebody does soon.
    condemned_at timestamptz,
    created_at timestamptz not null default now()
);
create index xet_xorbs_lease_until_idx on xet_xorbs (lease_until) where condemned_at is null;
create index xet_xorbs_condemned_at_idx on xet_xorbs (condemned_at) where condemned_at is not null;
create index xet_xorbs_first_repo_pk_idx on xet_xorbs (first_repo_pk);

-- A row means: its xorbs are stored and the hub has computed the SHA-256 of its bytes itself.
create table xet_files (
    file_hash bytea primary key check (length(file_hash) = 32),
    oid bytea not null references lfs_objects (oid) on delete cascade,
    size_bytes bigint not null check (size_bytes > 0),
    term_count integer not null check (term_count > 0),
    -- 44 bytes a term; see hub_xet::Term.
    terms bytea not null,
    created_at timestamptz not null default now()
);
create index xet_files_oid_idx on xet_files (oid);

create table xet_file_xorbs (
    xorb_hash bytea not null references xet_xorbs (xorb_hash) on delete restrict,
    file_hash bytea not null references xet_files (file_hash) on delete cascade,
    primary key (xorb_hash, file_hash)
);
create index xet_file_xorbs_file_hash_idx on xet_file_xorbs (file_hash);

-- The chunks that clients ask about before they upload: about one in a thousand, and the first of each file.
create table xet_chunks (
    chunk_hash bytea primary key check (length(chunk_hash) = 32),
    xorb_hash bytea not null references xet_xorbs (xorb_hash) on delete cascade
);
create index xet_chunks_xorb_hash_idx on xet_chunks (xorb_hash);

-- The way around Xet, for clients that stall on it: answers then lead them to plain HTTP.
alter table repos add column plain_http boolean not null default false;
alter table users add column plain_http boolean not null default false;
