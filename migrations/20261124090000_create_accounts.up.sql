-- Namespaces are shared by users and organisations, so that one unique index guards their names.
create table namespaces (
    namespace_pk bigint generated always as identity (start with 1001) primary key,
    name text not null check (length(name) between 1 and 96),
    kind text not null check (kind in ('user', 'organization')),
    created_at timestamptz not null default now()
);
create unique index namespaces_name_idx on namespaces (lower(name));

create table users (
    user_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    email text not null check (length(email) between 3 and 254),
    password_hash text not null,
    fullname text not null default '',
    details text not null default '',
    is_admin boolean not null default false
);
create unique index users_email_idx on users (lower(email));

create table organizations (
    organization_pk bigint primary key references namespaces (namespace_pk) on delete cascade,
    fullname text not null default '',
    details text not null default '',
    default_private boolean not null default false
);

create table organization_members (
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    role text not null check (role in ('admin', 'write', 'contributor', 'read')),
    created_at timestamptz not null default now(),
    primary key (organization_pk, user_pk)
);
create index organization_members_user_pk_idx on organization_members (user_pk);

-- A session is known by the SHA-256 of its cookie, so that a copy of this table opens none.
create table sessions (
    session_hash bytea primary key check (length(session_hash) = 32),
    user_pk bigint not null references users (user_pk) on delete cascade,
    user_agent text not null default '',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sessions_user_pk_idx on sessions (user_pk);

create table access_tokens (
    token_pk bigint generated always as identity (start with 2001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    token_hash bytea not null unique check (length(token_hash) = 32),
    -- The last four characters, to tell tokens apart on the settings page.
    hint text not null,
    role text not null check (role in ('read', 'write', 'fineGrained')),
    -- For fineGrained: {"namespaces": {"ada": "write"}, "repos": {"model/ada/bert": "read"}}
    scopes jsonb not null default '{}',
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz
);
create index access_tokens_user_pk_idx on access_tokens (user_pk, created_at);

-- Keys that every node must share, made on first start.
create table hub_secrets (
    name text primary key,
    value bytea not null,
    created_at timestamptz not null default now()
);
