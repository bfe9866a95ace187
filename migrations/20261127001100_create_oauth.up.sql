-- Applications to which people sign in with their account here (OAuth 2.0 and OpenID Connect): what each person lets each of them do,
-- the codes and tokens that follow from it, and the keys that sign who somebody is.
set local lock_timeout = '10s';
create table oauth_clients (
    client_pk bigint generated always as identity (start with 21001) primary key,
    client_id text not null unique default gen_random_uuid()::text check (char_length(client_id) between 1 and 100),
    -- Who keeps it; null for those that registered themselves and those that every hub knows.
    user_pk bigint references users (user_pk) on delete cascade,
    origin text not null check (origin in ('person', 'itself', 'hub')),
    name text not null check (char_length(name) between 1 and 100),
    homepage text not null default '' check (char_length(homepage) <= 2000),
    redirect_uris text[] not null check (cardinality(redirect_uris) <= 20),
    -- The most that it may ask for.
    scopes text[] not null,
    -- SHA-256 of its secret; null for one that cannot keep a secret.
    secret_hash bytea check (length(secret_hash) = 32),
    created_at timestamptz not null default now(),
    check ((user_pk is not null) = (origin = 'person'))
);
create index oauth_clients_user_pk_idx on oauth_clients (user_pk, client_pk) where user_pk is not null;
create index oauth_clients_itself_idx on oauth_clients (created_at) where origin = 'itself';

-- What huggingface_hub signs in as.
insert into oauth_clients (client_id, origin, name, redirect_uris, scopes)
values ('26be6b09-91c5-47da-9861-d2d2bb7a7e36', 'hub', 'hf, the command line', '{}', '{openid,profile,email,act-as-you}');

create table oauth_consents (
    consent_pk bigint generated always as identity (start with 22001) primary key,
    client_pk bigint not null references oauth_clients (client_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    scopes text[] not null,
    organization_pks bigint[] not null,
    created_at timestamptz not null default now(),
    unique (client_pk, user_pk)
);
create index oauth_consents_user_pk_idx on oauth_consents (user_pk, consent_pk desc);

-- One time that somebody signed in to an application: all tokens that follow from it, and that end with it.
create table oauth_grants (
    grant_pk bigint generated always as identity (start with 23001) primary key,
    consent_pk bigint not null references oauth_consents (consent_pk) on delete cascade,
    scopes text[] not null,
    organization_pks bigint[] not null,
    -- When the person logged in to the hub.
    auth_time timestamptz not null,
    nonce text,
    created_at timestamptz not null default now(),
    -- When its refresh token stops working.
    ends_at timestamptz not null
);
create index oauth_grants_consent_pk_idx on oauth_grants (consent_pk);
create index oauth_grants_ends_at_idx on oauth_grants (ends_at);

-- Codes and tokens are known by their SHA-256, so that a copy of these tables opens nothing.
create table oauth_codes (
    code_hash bytea primary key check (length(code_hash) = 32),
    grant_pk bigint not null unique references oauth_grants (grant_pk) on delete cascade,
    redirect_uri text not null,
    challenge text,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table oauth_refresh_tokens (
    token_hash bytea primary key check (length(token_hash) = 32),
    grant_pk bigint not null references oauth_grants (grant_pk) on delete cascade,
    created_at timestamptz not null default now(),
    -- When it was exchanged for the next one: whoever shows it again has stolen it, or was stolen from.
    used_at timestamptz
);
create index oauth_refresh_tokens_grant_pk_idx on oauth_refresh_tokens (grant_pk);

create table oauth_devices (
    device_hash bytea primary key check (length(device_hash) = 32),
    user_code text not null unique,
    client_pk bigint not null references oauth_clients (client_pk) on delete cascade,
    scopes text[] not null,
    -- From where it was asked for.
    address text,
    denied boolean not null default false,
    grant_pk bigint references oauth_grants (grant_pk) on delete cascade,
    polled_at timestamptz,
    interval_secs integer not null default 5,
    expires_at timestamptz not null
);
create index oauth_devices_client_pk_idx on oauth_devices (client_pk);
create index oauth_devices_grant_pk_idx on oauth_devices (grant_pk) where grant_pk is not null;
create index oauth_devices_expires_at_idx on oauth_devices (expires_at);

-- All nodes sign with the one that is not retired. The public halves of old ones are given out until nothing signed by them is valid.
create table oauth_keys (
    kid text primary key,
    private_pem text not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
create unique index oauth_keys_current_idx on oauth_keys ((true)) where retired_at is null;

alter table access_tokens add column grant_pk bigint references oauth_grants (grant_pk) on delete cascade;
create index access_tokens_grant_pk_idx on access_tokens (grant_pk, token_pk desc) where grant_pk is not null;

-- The log tells of what people let applications do, and not of the tokens that those renew every few hours.
drop trigger access_tokens_audit on access_tokens;
create trigger access_tokens_audit after insert on access_tokens for each row
    when (new.grant_pk is null) execute function audit_token();
create trigger access_tokens_audit_delete after delete on access_tokens for each row
    when (old.grant_pk is null) execute function audit_token();

create function audit_oauth_consent() returns trigger language plpgsql as $$
declare
    consent oauth_consents := coalesce(new, old);
begin
    perform write_audit(consent.user_pk, case tg_op when 'DELETE' then 'app.revoke' else 'app.authorize' end,
        (select name from oauth_clients where client_pk = consent.client_pk),
        jsonb_build_object('scopes', array_to_string(consent.scopes, ' ')), consent.user_pk);
    return null;
end $$;
create trigger oauth_consents_audit after insert or delete on oauth_consents for each row execute function audit_oauth_consent();
create trigger oauth_consents_audit_update after update on oauth_consents for each row
    when ((old.scopes, old.organization_pks) is distinct from (new.scopes, new.organization_pks))
    execute function audit_oauth_consent();

create function audit_oauth_client() returns trigger language plpgsql as $$
declare
    client oauth_clients := coalesce(new, old);
begin
    perform write_audit(client.user_pk,
        case tg_op when 'INSERT' then 'app.create' when 'DELETE' then 'app.delete' else 'app.change' end,
        client.name, '{}', client.user_pk);
    return null;
end $$;
create trigger oauth_clients_audit after insert or update or delete on oauth_clients for each row
    execute function audit_oauth_client();
