-- Who signs up has no account before they open the link in a mail, so that the sign-up answers the same whether the address has an account or not.
set local lock_timeout = '10s';

-- Links are known by SHA-256, so that a copy of this table opens nothing. `sent_at` is set when the mail has gone.
create table sign_ups (
    sign_up_pk bigint generated always as identity primary key,
    name text not null,
    email text not null check (length(email) between 3 and 254),
    -- The argon2id hash in PHC form.
    password_hash text not null,
    -- The path to go to afterwards.
    next_path text not null,
    link_hash bytea unique check (length(link_hash) = 32),
    sent_at timestamptz,
    expires_at timestamptz not null
);
create index sign_ups_email_idx on sign_ups (lower(email));
create index sign_ups_expires_at_idx on sign_ups (expires_at);
