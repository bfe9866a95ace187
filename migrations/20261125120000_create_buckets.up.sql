-- Buckets: files without history, in which the last writer wins. A bucket is a repository without git, so that names, rights,
-- moves and large files are what they are for all repositories.
alter table repos drop constraint repos_repo_type_check;
alter table repos add constraint repos_repo_type_check check (repo_type in ('model', 'dataset', 'space', 'bucket'));

create table bucket_files (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    -- By bytes, so that a prefix is a range of the key and a page goes on after any text.
    path text collate "C" not null check (length(path) between 1 and 1000),
    -- The SHA-256; null for an empty file, of which there is nothing to keep.
    oid bytea check (length(oid) = 32),
    size_bytes bigint not null check (size_bytes >= 0 and (oid is null) = (size_bytes = 0)),
    -- When the file last changed where it came from.
    mtime timestamptz not null,
    content_type text,
    uploaded_at timestamptz not null default now(),
    primary key (repo_pk, path),
    -- What a bucket shows it has, and nothing takes it away meanwhile.
    foreign key (repo_pk, oid) references repo_lfs_objects (repo_pk, oid)
);
create index bucket_files_oid_idx on bucket_files (repo_pk, oid);
