-- What was found in files, by their content and by what they are looked at for: a file is looked at once for the whole hub.
set local lock_timeout = '10s';
create table file_scans (
    -- The SHA-256 of a large file, the blob of one in git.
    content bytea not null check (length(content) in (20, 32)),
    kind text not null,
    -- The version of the rules.
    version integer not null,
    level text not null check (level in ('safe', 'error', 'caution', 'suspicious', 'unsafe')),
    report jsonb not null,
    -- What lists show of the report, which they do not read.
    has_pickle boolean not null generated always as (report ? 'imports') stored,
    has_secrets boolean not null generated always as (report @> '{"findings": [{"topic": "secret"}]}') stored,
    -- What ClamAV says; null when it was not asked.
    av_status text check (av_status in ('safe', 'unsafe', 'error')),
    -- The name of what it found, or why it could not look.
    av_detail text,
    scanned_at timestamptz not null default now(),
    primary key (content, kind),
    check (av_status is not null or av_detail is null)
);

-- Which repositories have which blobs that were looked at. (Of large files `repo_lfs_objects` knows.) What none has is forgotten.
create table repo_scanned_blobs (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    blob bytea not null check (length(blob) = 20),
    primary key (repo_pk, blob)
);
create index repo_scanned_blobs_blob_idx on repo_scanned_blobs (blob);

-- How far the files of a repository were looked at.
create table repo_scans (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    version integer not null,
    -- Whether ClamAV was asked.
    with_av boolean not null,
    -- The commit of the default branch that `issues` is about.
    commit_oid bytea check (length(commit_oid) = 20),
    -- The last event whose files were looked at.
    event_pk bigint not null,
    -- Whether there were more files than are looked at.
    is_cut boolean not null default false,
    -- `{"path", "level"}` of the worst files, the first of them.
    issues jsonb not null,
    issue_count integer not null,
    unsafe_count integer not null,
    scanned_at timestamptz not null default now()
);
