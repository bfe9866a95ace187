-- Notifications: who is told of what happens in discussions and of new repositories, what people watch, and by which of it mails come.
-- And what discussions lacked: reactions, numbers that stay taken after a deletion, and a switch that closes them.
set local lock_timeout = '10s';

-- Whether nobody can open discussions and pull requests. First, since operations write to `repos` first.
alter table repos add column discussions_disabled boolean not null default false;

create table notifications (
    notification_pk bigint generated always as identity (start with 13001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    -- What it is about; null: that the repository is new.
    discussion_pk bigint references discussions (discussion_pk) on delete cascade,
    -- The strongest reason since it was last read: 3 mentioned, 2 taking part, 1 watching.
    reason smallint not null check (reason between 1 and 3),
    unread boolean not null default true,
    -- The first event that is not read, and the last one; 0 for a new repository.
    first_event_pk bigint not null default 0,
    last_event_pk bigint not null default 0,
    updated_at timestamptz not null default now(),
    -- When a mail shall tell of it; null: none, or none any more.
    mail_due_at timestamptz,
    -- Until when a node has taken it upon itself to send that mail.
    mailing_until timestamptz
);
create unique index notifications_thread_idx on notifications (user_pk, repo_pk, coalesce(discussion_pk, 0));
create index notifications_user_pk_updated_at_idx on notifications (user_pk, updated_at desc, notification_pk desc);
-- Counted on every page of who is logged in.
create index notifications_unread_idx on notifications (user_pk, updated_at desc, notification_pk desc) where unread;
create index notifications_repo_pk_idx on notifications (repo_pk);
create index notifications_discussion_pk_idx on notifications (discussion_pk);
create index notifications_mail_due_at_idx on notifications (mail_due_at) where mail_due_at is not null;
create index notifications_updated_at_idx on notifications (updated_at);

-- What people said about a repository: tell me of everything, of what concerns me, of nothing. Who said nothing is told of everything
-- in repositories of their own, and of what concerns them in others.
create table repo_watches (
    user_pk bigint not null references users (user_pk) on delete cascade,
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    level text not null check (level in ('all', 'participating', 'ignore')),
    created_at timestamptz not null default now(),
    primary key (user_pk, repo_pk)
);
create index repo_watches_repo_pk_idx on repo_watches (repo_pk);

-- Whose new repositories and discussions people want to hear of.
create table namespace_watches (
    user_pk bigint not null references users (user_pk) on delete cascade,
    namespace_pk bigint not null references namespaces (namespace_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (user_pk, namespace_pk),
    check (user_pk <> namespace_pk)
);
create index namespace_watches_namespace_pk_idx on namespace_watches (namespace_pk);

-- When mails tell of notifications, by reason. Who has no row has what stands here as the default.
create table notification_settings (
    user_pk bigint primary key references users (user_pk) on delete cascade,
    mention_mail text not null default 'at_once' check (mention_mail in ('at_once', 'daily', 'never')),
    participating_mail text not null default 'at_once' check (participating_mail in ('at_once', 'daily', 'never')),
    watching_mail text not null default 'daily' check (watching_mail in ('at_once', 'daily', 'never')),
    -- Whether the repositories of one's organisations are watched as one's own are.
    organizations boolean not null default false
);

-- When somebody was last sent a mail about notifications. Not with these: they go with what they are about, which whoever mentions
-- people can delete.
create table notification_mails (
    user_pk bigint primary key references users (user_pk) on delete cascade,
    mailed_at timestamptz not null
);

create table discussion_reactions (
    event_pk bigint not null references discussion_events (event_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    reaction text not null check (char_length(reaction) between 1 and 2),
    created_at timestamptz not null default now(),
    primary key (event_pk, reaction, user_pk)
);
create index discussion_reactions_user_pk_idx on discussion_reactions (user_pk);

-- Numbers of discussions that were deleted: links to them shall not lead to others.
create table deleted_discussions (
    repo_pk bigint not null references repos (repo_pk) on delete cascade,
    num bigint not null,
    deleted_at timestamptz not null default now(),
    primary key (repo_pk, num)
);
