-- Uploads in parts that S3 holds for us, so that a client that comes again goes on where it stopped and
-- abandoned ones can be ended; and the locks people put on files with `git lfs lock`.
create table lfs_uploads (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    oid bytea not null check (length(oid) = 32),
    part_bytes bigint not null check (part_bytes > 0),
    upload_id text not null,
    created_at timestamptz not null default now(),
    primary key (repo_pk, oid, part_bytes)
);
create index lfs_uploads_created_at_idx on lfs_uploads (created_at);

create table lfs_locks (
    lock_pk bigint generated always as identity (start with 90001) primary key,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    path text not null check (length(path) between 1 and 1000),
    owner_pk bigint not null references users (user_pk) on delete cascade,
    locked_at timestamptz not null default now(),
    unique (repo_pk, path)
);
