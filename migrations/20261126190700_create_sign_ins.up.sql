-- From where somebody is logged in, and from where they logged in lately: so that they notice who else does.
alter table sessions add column address text;

create table sign_ins (
    sign_in_pk bigint generated always as identity (start with 9001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    address text,
    user_agent text not null default '',
    created_at timestamptz not null default now()
);
create index sign_ins_user_pk_idx on sign_ins (user_pk, sign_in_pk desc);
