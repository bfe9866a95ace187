-- Links in mails that work once: to choose a new password, to take another address. Known by SHA-256, so that a copy of this
-- table opens nothing. `sent_at` is set when the mail has gone, so that one that failed is written anew.
create table mail_links (
    link_hash bytea primary key check (length(link_hash) = 32),
    user_pk bigint not null references users (user_pk) on delete cascade,
    purpose text not null check (purpose in ('reset_password', 'change_email')),
    -- Where the mail goes, and so the address that whoever opens the link has.
    email text not null,
    sent_at timestamptz,
    expires_at timestamptz not null
);
create unique index mail_links_user_pk_purpose_idx on mail_links (user_pk, purpose);
create index mail_links_expires_at_idx on mail_links (expires_at);

-- The address that a user wants to have, until it is confirmed.
alter table users add column new_email text check (length(new_email) between 3 and 254);
