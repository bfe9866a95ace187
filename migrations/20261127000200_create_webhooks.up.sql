-- Webhooks: addresses that are told what happens to repositories, what they are to be told, and what they answered.
set local lock_timeout = '10s';
create table webhooks (
    webhook_pk bigint generated always as identity (start with 15001) primary key,
    -- The `id` that clients see.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    user_pk bigint not null references users (user_pk) on delete cascade,
    url text not null check (char_length(url) <= 2000),
    domains text[] not null check (cardinality(domains) > 0 and domains <@ array['repo', 'discussion']),
    -- Sent with each delivery, so it is kept as it is.
    secret text check (char_length(secret) between 1 and 200),
    disabled boolean not null default false,
    -- Why the hub switched it off, if it was the hub.
    disabled_because text check (disabled_because in ('failing', 'behind')),
    -- Tries that failed since the last one that arrived, and since when.
    failures integer not null default 0,
    failing_since timestamptz,
    -- When a delivery is due; null when none waits. One node sends them, one after the other, until `locked_until`.
    due_at timestamptz,
    locked_until timestamptz,
    created_at timestamptz not null default now()
);
create index webhooks_user_pk_idx on webhooks (user_pk, webhook_pk);
create index webhooks_due_at_idx on webhooks (due_at) where due_at is not null and not disabled;
-- Asked when one is taken: how many of its owner's are being sent to.
create index webhooks_locked_until_idx on webhooks (locked_until) where locked_until is not null;
-- Asked by triggers with every event: whether there is any.
create index webhooks_enabled_idx on webhooks (webhook_pk) where not disabled;

create table webhook_watches (
    watch_pk bigint generated always as identity primary key,
    webhook_pk bigint not null references webhooks (webhook_pk) on delete cascade,
    namespace_pk bigint references namespaces (namespace_pk) on delete cascade,
    repo_pk bigint references repos (repo_pk) on delete cascade,
    -- As its owner named it. What a private repository is called now, only those learn who may see it.
    name text not null,
    check (num_nonnulls(namespace_pk, repo_pk) = 1)
);
create index webhook_watches_webhook_pk_idx on webhook_watches (webhook_pk);
create unique index webhook_watches_namespace_pk_idx on webhook_watches (namespace_pk, webhook_pk) where namespace_pk is not null;
create unique index webhook_watches_repo_pk_idx on webhook_watches (repo_pk, webhook_pk) where repo_pk is not null;

-- What happened and is not yet made into deliveries. Nothing is written while no webhook is switched on.
create table webhook_changes (
    change_pk bigint generated always as identity primary key,
    -- What `subject_pk` is the key of: a row of `events`, `discussions` or `discussion_events`.
    kind text not null check (kind in ('event', 'discussion', 'comment')),
    action text not null check (action in ('create', 'update', 'delete')),
    subject_pk bigint not null,
    -- What was deleted, as it was.
    gone jsonb,
    created_at timestamptz not null default now()
);

create table webhook_deliveries (
    delivery_pk bigint generated always as identity (start with 16001) primary key,
    -- Sent with each try, so that a receiver knows what it has had already.
    public_id text not null unique default substr(md5(random()::text || clock_timestamp()::text), 1, 24),
    webhook_pk bigint not null references webhooks (webhook_pk) on delete cascade,
    -- What it is about: its owner must be allowed to see it when it is sent.
    repo_pk bigint,
    -- Scope and action: `repo.content update`.
    event text not null,
    payload jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
    attempts integer not null default 0,
    next_try_at timestamptz not null default now(),
    tried_at timestamptz,
    -- What came of the last try.
    status_code integer,
    duration_ms integer,
    answer text not null default '',
    error text,
    created_at timestamptz not null default now()
);
create index webhook_deliveries_webhook_pk_idx on webhook_deliveries (webhook_pk, delivery_pk desc);
create index webhook_deliveries_waiting_idx on webhook_deliveries (webhook_pk, next_try_at) where state = 'waiting';
create index webhook_deliveries_created_at_idx on webhook_deliveries (created_at);

-- Triggers rather than calls in each operation: no event, of today or of later, can pass them by.
create function note_webhook_event() returns trigger language plpgsql as $$
begin
    if exists (select from webhooks where not disabled) then
        insert into webhook_changes (kind, action, subject_pk) values ('event', 'create', new.event_pk);
    end if;
    return null;
end $$;

create function note_webhook_discussion() returns trigger language plpgsql as $$
begin
    if exists (select from webhooks where not disabled) then
        insert into webhook_changes (kind, action, subject_pk)
        values ('discussion', case tg_op when 'INSERT' then 'create' else 'update' end, new.discussion_pk);
    end if;
    return null;
end $$;
create trigger discussions_webhooks_insert after insert on discussions for each row execute function note_webhook_discussion();
create trigger discussions_webhooks_update after update on discussions for each row
    when ((old.title, old.status, old.pinned, old.merge_oid) is distinct from (new.title, new.status, new.pinned, new.merge_oid))
    execute function note_webhook_discussion();

-- Discussions also go with a deleted repository whose time is over, of which nobody is told any more.
create function note_webhook_deletion() returns trigger language plpgsql as $$
begin
    if exists (select from webhooks where not disabled)
       and exists (select from repos where repo_pk = old.repo_pk and deleted_at is null) then
        insert into webhook_changes (kind, action, subject_pk, gone) values ('discussion', 'delete', old.discussion_pk, to_jsonb(old));
    end if;
    return null;
end $$;
create trigger discussions_webhooks_delete after delete on discussions for each row execute function note_webhook_deletion();

create function note_webhook_comment() returns trigger language plpgsql as $$
begin
    if exists (select from webhooks where not disabled) then
        insert into webhook_changes (kind, action, subject_pk)
        values ('comment', case tg_op when 'INSERT' then 'create' else 'update' end, new.event_pk);
    end if;
    return null;
end $$;
create trigger discussion_events_webhooks_insert after insert on discussion_events for each row
    when (new.kind = 'comment') execute function note_webhook_comment();
create trigger discussion_events_webhooks_update after update on discussion_events for each row
    when (new.kind = 'comment' and (old.body, old.hidden) is distinct from (new.body, new.hidden))
    execute function note_webhook_comment();

create function notify_webhooks() returns trigger language plpgsql as $$
begin
    perform pg_notify('webhooks', '');
    return null;
end $$;
create trigger webhook_changes_notify after insert on webhook_changes for each statement execute function notify_webhooks();
create trigger webhook_deliveries_notify after insert on webhook_deliveries for each statement execute function notify_webhooks();

-- Last, since operations write to `events` last: in another order, one that runs meanwhile and this would wait for each other.
create trigger events_webhooks after insert on events for each row execute function note_webhook_event();
