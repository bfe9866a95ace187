-- A webhook that was deleted can be restored for a time, with its secret: receivers check by it, and a new one must be put in there.
set local lock_timeout = '10s';
create table deleted_webhooks (
    webhook_pk bigint primary key,
    public_id text not null unique,
    user_pk bigint not null references users (user_pk) on delete cascade,
    url text not null,
    -- Its row and what it watched. What it sent is not kept.
    contents jsonb not null,
    deleted_at timestamptz not null default now()
);
create index deleted_webhooks_user_pk_idx on deleted_webhooks (user_pk, webhook_pk);
create index deleted_webhooks_deleted_at_idx on deleted_webhooks (deleted_at);
