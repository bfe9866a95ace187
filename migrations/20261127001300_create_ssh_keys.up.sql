-- Public keys by which people prove who they are to git over SSH, and by which signatures of commits are checked. A key belongs to
-- one account on the whole hub: by it the hub knows who is there.
set local lock_timeout = '10s';
create table ssh_keys (
    key_pk bigint generated always as identity primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    title text not null,
    -- `SHA256:…`, as `ssh-keygen -l` shows it.
    fingerprint text not null,
    -- As in a file `.pub`, without its comment.
    public_key text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    last_used_address text
);
create unique index ssh_keys_fingerprint_idx on ssh_keys (fingerprint);
create index ssh_keys_user_pk_idx on ssh_keys (user_pk, key_pk desc);

create function audit_ssh_key() returns trigger language plpgsql as $$
declare
    key ssh_keys := coalesce(new, old);
begin
    perform write_audit(key.user_pk, case tg_op when 'INSERT' then 'ssh_key.create' else 'ssh_key.remove' end, key.title,
        jsonb_build_object('fingerprint', key.fingerprint), key.user_pk);
    return null;
end $$;
create trigger ssh_keys_audit after insert or delete on ssh_keys for each row execute function audit_ssh_key();
