-- Discussions and pull requests of repositories, which share their numbers.
create table discussions (
    discussion_pk bigint generated always as identity (start with 11001) primary key,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    num bigint not null check (num > 0),
    title text not null check (char_length(title) between 1 and 200),
    status text not null check (status in ('draft', 'open', 'closed', 'merged')),
    author_pk bigint references users (user_pk) on delete set null,
    pinned boolean not null default false,
    locked boolean not null default false,
    -- Of a pull request: the branch it is for, as a full name. Its commits are at `refs/pr/{num}`.
    base text,
    -- Of a merged one: the commit on that branch.
    merge_oid bytea check (length(merge_oid) = 20),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (repo_pk, num),
    check (base is not null or status in ('open', 'closed')),
    check ((status = 'merged') = (merge_oid is not null))
);
create index discussions_author_pk_idx on discussions (author_pk);
-- Counted on every page of a repository, and asked for by every push.
create index discussions_open_idx on discussions (repo_pk) where status in ('draft', 'open');

-- What happened in a discussion, in order: comments and what was done to it.
create table discussion_events (
    event_pk bigint generated always as identity (start with 12001) primary key,
    -- The `id` that clients see.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    discussion_pk bigint not null references discussions (discussion_pk) on delete cascade,
    author_pk bigint references users (user_pk) on delete set null,
    kind text not null check (kind in ('comment', 'status-change', 'title-change', 'commit')),
    -- Of a comment: the Markdown as it is now.
    body text not null default '' check (char_length(body) <= 65536),
    hidden boolean not null default false,
    edited_at timestamptz,
    -- Of anything else: `status`, or `from` and `to`, or `old` and `new` heads of the pull request.
    payload jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index discussion_events_discussion_pk_idx on discussion_events (discussion_pk, event_pk);
create index discussion_events_author_pk_idx on discussion_events (author_pk);

-- What a comment said before each edit.
create table discussion_edits (
    edit_pk bigint generated always as identity primary key,
    event_pk bigint not null references discussion_events (event_pk) on delete cascade,
    author_pk bigint references users (user_pk) on delete set null,
    body text not null,
    created_at timestamptz not null default now()
);
create index discussion_edits_event_pk_idx on discussion_edits (event_pk, edit_pk);
create index discussion_edits_author_pk_idx on discussion_edits (author_pk);
