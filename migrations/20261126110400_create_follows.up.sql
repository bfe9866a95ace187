-- Who follows whom: people follow people and organisations.
create table follows (
    follower_pk bigint not null references users (user_pk) on delete cascade,
    namespace_pk bigint not null references namespaces (namespace_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (follower_pk, namespace_pk),
    check (follower_pk <> namespace_pk)
);
create index follows_follower_pk_created_at_idx on follows (follower_pk, created_at desc, namespace_pk desc);
create index follows_namespace_pk_created_at_idx on follows (namespace_pk, created_at desc, follower_pk desc);

-- What somebody did, the latest first: for feeds, and for the calendars of profiles.
create index events_actor_pk_created_at_idx on events (actor_pk, created_at desc, event_pk desc);
