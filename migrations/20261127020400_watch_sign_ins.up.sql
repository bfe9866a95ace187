-- Sign-ins that were begun before an account was secured come to nothing; wrong codes are counted by all nodes together and for a day;
-- browsers in which somebody signed in are known again.
set local lock_timeout = '10s';
-- Counts how often all sessions of the account were ended: a sign-in counts only if that did not happen meanwhile.
alter table users add column sign_in_version integer not null default 0;
alter table sign_ins add column device_hash bytea check (length(device_hash) = 32);

create table wrong_codes (
    user_pk bigint primary key references users (user_pk) on delete cascade,
    count integer not null,
    since timestamptz not null default now()
);
