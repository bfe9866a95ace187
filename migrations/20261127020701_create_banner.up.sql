-- What those who run the hub tell everybody on every page. There is one at a time.
create table site_banner (
    single boolean primary key default true check (single),
    -- What browsers remember that closed it: another text is shown again.
    public_id text not null,
    body text not null check (char_length(body) between 1 and 1000),
    level text not null check (level in ('info', 'warning', 'critical')),
    dismissable boolean not null,
    starts_at timestamptz,
    ends_at timestamptz,
    set_by bigint references users (user_pk) on delete set null,
    set_at timestamptz not null default now()
);
