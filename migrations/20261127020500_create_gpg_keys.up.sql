-- OpenPGP keys by which signatures of commits are checked. The same key may be of several accounts: whose a signature is follows from
-- the confirmed address of the committer, which the key must name.
set local lock_timeout = '10s';
create table gpg_keys (
    key_pk bigint generated always as identity primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    -- Of the primary key, in hexadecimal digits.
    fingerprint text not null,
    -- The primary key and those below it: fingerprint, revoked, weak, when it expires.
    parts jsonb not null,
    -- The addresses that it names, in small letters.
    emails text[] not null,
    -- As `gpg --export` writes it, without signatures of others.
    public_key bytea not null,
    created_at timestamptz not null default now(),
    -- When it was last given: it may have a later end by then, or be revoked.
    updated_at timestamptz not null default now()
);
create unique index gpg_keys_user_fingerprint_idx on gpg_keys (user_pk, fingerprint);

create function audit_gpg_key() returns trigger language plpgsql as $$
declare
    key gpg_keys := coalesce(new, old);
begin
    perform write_audit(key.user_pk, case tg_op when 'INSERT' then 'gpg_key.create' when 'UPDATE' then 'gpg_key.update' else 'gpg_key.remove' end,
        right(key.fingerprint, 16), jsonb_build_object('fingerprint', key.fingerprint), key.user_pk);
    return null;
end $$;
create trigger gpg_keys_audit after insert or update or delete on gpg_keys for each row execute function audit_gpg_key();
