-- Who asked for the files of a gated repository, and what was decided. A row that is accepted opens them, whatever way they are
-- asked for. Rows stay when the gate is switched off, and count again when it is back.
set local lock_timeout = '10s';
create table access_requests (
    access_request_pk bigint generated always as identity (start with 31001) primary key,
    -- The `requestId` that clients see.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    status text not null check (status in ('pending', 'accepted', 'rejected')),
    -- What was written into the fields that the card asks for, by their labels.
    answers jsonb not null default '{}' check (jsonb_typeof(answers) = 'object' and length(answers::text) <= 262144),
    rejection_reason text check (char_length(rejection_reason) between 1 and 200),
    -- Let in without having asked: such people have not agreed to share their address.
    granted boolean not null default false,
    requested_at timestamptz not null default now(),
    decided_at timestamptz,
    decided_by bigint references users (user_pk) on delete set null,
    -- When the owners were told of the request.
    told_at timestamptz,
    unique (repo_pk, user_pk),
    check (status = 'rejected' or rejection_reason is null)
);
-- The lists of a repository, the newest first.
create index access_requests_status_idx on access_requests (repo_pk, status, requested_at, access_request_pk);
-- The list of a person.
create index access_requests_user_pk_idx on access_requests (user_pk, requested_at, access_request_pk);
-- Of whom the owners were not told yet.
create index access_requests_untold_idx on access_requests (repo_pk) where told_at is null and status = 'pending';
create index access_requests_decided_by_idx on access_requests (decided_by);

-- When the owners of a repository were told of requests last. Not with these: whoever takes theirs back would take it along.
create table access_request_mails (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    told_at timestamptz not null
);
