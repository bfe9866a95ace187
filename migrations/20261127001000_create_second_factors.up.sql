-- Second factors of accounts: codes of an app, passkeys, and recovery codes for when both are lost. Sessions know how they began and
-- when somebody last proved there who they are: acts that a thief of a browser must not do ask for that.
set local lock_timeout = '10s';
alter table sessions add column via text not null default 'password', add column proved_at timestamptz;

create table authenticator_apps (
    user_pk bigint primary key references users (user_pk) on delete cascade,
    secret bytea not null check (length(secret) between 16 and 64),
    -- The step of time of the last code that was taken: no code is taken twice, nor one before it.
    last_step bigint not null,
    created_at timestamptz not null default now()
);

create table passkeys (
    passkey_pk bigint generated always as identity (start with 7001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    credential_id bytea not null unique check (length(credential_id) <= 1023),
    -- By which authenticators know the account: the same for all passkeys of a user.
    user_handle bytea not null check (length(user_handle) = 16),
    -- The public key and what else of it is checked, with the counter of signatures.
    credential jsonb not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index passkeys_user_pk_idx on passkeys (user_pk, passkey_pk);

create table recovery_codes (
    user_pk bigint primary key references users (user_pk) on delete cascade,
    -- Of those that were not used.
    hashes bytea[] not null check (cardinality(hashes) <= 20),
    made_at timestamptz not null default now()
);

-- What a sign-in or a passkey leaves between two requests: for minutes, for one browser, taken once.
create table ceremonies (
    ceremony_hash bytea primary key check (length(ceremony_hash) = 32),
    kind text not null,
    user_pk bigint references users (user_pk) on delete cascade,
    state jsonb not null,
    expires_at timestamptz not null
);
create index ceremonies_expires_at_idx on ceremonies (expires_at);
create index ceremonies_user_pk_idx on ceremonies (user_pk);

create function audit_factor() returns trigger language plpgsql as $$
declare
    factor jsonb := to_jsonb(coalesce(new, old));
    whose bigint := (factor ->> 'user_pk')::bigint;
begin
    perform write_audit(whose, tg_argv[0] || case tg_op when 'INSERT' then '_add' else '_remove' end, factor ->> 'name', null, whose);
    return null;
end $$;
create trigger authenticator_apps_audit after insert or delete on authenticator_apps for each row
    execute function audit_factor('factor.app');
create trigger passkeys_audit after insert or delete on passkeys for each row execute function audit_factor('factor.passkey');

create function audit_recovery_codes() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or old.made_at <> new.made_at then
        perform write_audit(new.user_pk, 'factor.codes_make', null, null, new.user_pk);
    else
        perform write_audit(new.user_pk, 'factor.code_use', null, jsonb_build_object('left', cardinality(new.hashes)), new.user_pk);
    end if;
    return null;
end $$;
create trigger recovery_codes_audit after insert or update on recovery_codes for each row execute function audit_recovery_codes();
