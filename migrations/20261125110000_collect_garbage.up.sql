-- Garbage collection: which large files and chunks nobody needs, since when, and which bytes are still to be deleted.

-- Part of the key of the whole copy in the store, so that a new upload of the same file never meets a deletion. Files
-- that came before have none.
alter table lfs_objects add column nonce bigint;
-- Since when it lies there whole (again).
alter table lfs_objects add column plain_since timestamptz not null default now();
-- Set by garbage collection: no repository has it, and it goes unless one gets it soon.
alter table lfs_objects add column condemned_at timestamptz;
create index lfs_objects_condemned_at_idx on lfs_objects (condemned_at) where condemned_at is not null;
create index lfs_objects_plain_since_idx on lfs_objects (plain_since) where is_plain and file_hash is not null;

-- When somebody last sent it here or was told that it need not be sent: a commit that names it may follow.
alter table repo_lfs_objects add column wanted_at timestamptz not null default now();

-- Grows when large files are taken from a repository. The commit point refuses what was prepared before.
alter table repos add column held_generation bigint not null default 0;
-- When garbage collection last compared what the repository has with what its refs name, and up to which `wanted_at`.
alter table repos add column large_files_checked_at timestamptz;
alter table repos add column large_files_checked_before timestamptz;
create index repos_deleted_at_idx on repos (deleted_at) where deleted_at is not null;

-- Objects of the store that no row names any more, noted in the transaction that removed the row. No key comes twice.
create table doomed_objects (
    key text primary key,
    size_bytes bigint not null,
    -- Addresses of it may be in use until then.
    not_before timestamptz not null default now()
);
create index doomed_objects_not_before_idx on doomed_objects (not_before);

create table gc_runs (
    run_pk bigint generated always as identity primary key,
    started_at timestamptz not null,
    finished_at timestamptz not null default now(),
    report jsonb not null
);
create index gc_runs_finished_at_idx on gc_runs (finished_at desc);
