-- Remarks: comments on lines of what a pull request changes. A thread stands at a line, and other comments answer in it.
set local lock_timeout = '10s';
create table remark_threads (
    -- The comment that it begins with.
    event_pk bigint primary key references discussion_events (event_pk) on delete cascade,
    -- Where it stands: the file before or after the change, and the number of its line.
    path text not null check (octet_length(path) between 1 and 4096),
    side text not null check (side in ('old', 'new')),
    line integer not null check (line > 0),
    -- The commit of the pull request that was looked at, and both versions of the file as they were then.
    commit_oid bytea not null check (length(commit_oid) = 20),
    old_blob bytea check (length(old_blob) = 20),
    new_blob bytea check (length(new_blob) = 20),
    -- The line and some before it, as a unified diff has them: for those alone who may download the files. Empty when the comment
    -- was hidden for good.
    snippet text not null check (octet_length(snippet) <= 16384),
    resolved_at timestamptz,
    resolved_by bigint references users (user_pk) on delete set null,
    check (case side when 'old' then old_blob else new_blob end is not null)
);
create index remark_threads_resolved_by_idx on remark_threads (resolved_by);
create table remark_replies (
    event_pk bigint primary key references discussion_events (event_pk) on delete cascade,
    thread_pk bigint not null references remark_threads (event_pk) on delete cascade
);
create index remark_replies_thread_pk_idx on remark_replies (thread_pk);
