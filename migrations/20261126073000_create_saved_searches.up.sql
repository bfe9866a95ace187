-- Saved searches: lists that people come back to, what was new in them, and what mails have told of it.
create table saved_searches (
    saved_search_pk bigint generated always as identity (start with 7001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    repo_type text not null check (repo_type in ('model', 'dataset', 'space')),
    -- What narrows the list, as its address says it, each thing in one way.
    query text not null check (length(query) <= 2000),
    alerts text not null check (alerts in ('off', 'at_once', 'daily', 'weekly')),
    -- What the address of its feed is signed over: with the next number the old address is worth nothing.
    feed_number integer not null default 1,
    created_at timestamptz not null default now(),
    -- Since when its owner knows what is in it.
    seen_at timestamptz not null default now(),
    -- Up to which moment new repositories were looked for.
    looked_until timestamptz not null default now(),
    -- When they are looked for next.
    look_at timestamptz check ((look_at is null) = (alerts = 'off')),
    -- Repositories that were found, and how many more, of which no mail has told yet.
    waiting bigint[] not null default '{}',
    waiting_more bigint not null default 0,
    -- Until when a node has taken it upon itself to tell.
    telling_until timestamptz,
    mailed_at timestamptz
);
create unique index saved_searches_user_pk_name_idx on saved_searches (user_pk, lower(name));
create unique index saved_searches_user_pk_query_idx on saved_searches (user_pk, repo_type, query);
create index saved_searches_look_at_idx on saved_searches (look_at) where look_at is not null;

-- Mail goes to addresses only whose owners have said that they are theirs.
alter table users add column email_confirmed_at timestamptz, add column email_asked_at timestamptz;

-- When a repository became public that had been private before: that day it is new to strangers. Null: as it was made.
alter table repos add column published_at timestamptz;
create index repos_type_published_idx on repos (repo_type, published_at desc) where published_at is not null;
