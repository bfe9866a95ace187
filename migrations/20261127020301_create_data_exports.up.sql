-- Copies of all that is kept of a person, which they asked for: archives in the store, for a week.
set local lock_timeout = '10s';
create table data_exports (
    export_pk bigint generated always as identity (start with 27001) primary key,
    -- The end of its address, and its name in the store.
    public_id text not null unique default replace(gen_random_uuid()::text, '-', ''),
    user_pk bigint not null references users (user_pk) on delete cascade,
    asked_at timestamptz not null default now(),
    -- When the archive was in the store, and how large it is.
    ready_at timestamptz,
    size_bytes bigint,
    check ((ready_at is null) = (size_bytes is null))
);
create index data_exports_user_pk_idx on data_exports (user_pk, export_pk desc);
create index data_exports_asked_at_idx on data_exports (asked_at);
