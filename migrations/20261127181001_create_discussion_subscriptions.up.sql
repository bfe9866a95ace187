-- What people say of one discussion: that they want to hear of it although they take no part, or no longer although they do.
set local lock_timeout = '10s';
create table discussion_subscriptions (
    user_pk bigint not null references users (user_pk) on delete cascade,
    discussion_pk bigint not null references discussions (discussion_pk) on delete cascade,
    subscribed boolean not null,
    -- What happened before it changes it no more.
    set_at timestamptz not null default now(),
    primary key (user_pk, discussion_pk)
);
-- Asked with each event.
create index discussion_subscriptions_discussion_pk_idx on discussion_subscriptions (discussion_pk);
