-- Accounts at an outside provider (OpenID Connect) by which people sign in, and by which way somebody signed in.
set local lock_timeout = '10s';
create table user_identities (
    identity_pk bigint generated always as identity (start with 17001) primary key,
    user_pk bigint not null references users (user_pk) on delete cascade,
    issuer text not null check (length(issuer) between 1 and 500),
    subject text not null check (length(subject) between 1 and 255),
    -- What the provider called the person when they last came.
    label text not null default '' check (length(label) <= 254),
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now()
);
-- An account is found by these two alone: providers give mail addresses to others when somebody leaves.
create unique index user_identities_subject_idx on user_identities (issuer, subject);
create index user_identities_user_pk_idx on user_identities (user_pk);

alter table sign_ins add column via text not null default 'password';

create or replace function audit_sign_in() returns trigger language plpgsql as $$
begin
    insert into audit_log (namespace_pk, actor_pk, actor, via, address, action, details)
    select new.user_pk, new.user_pk, name, new.via, new.address, 'account.sign_in', jsonb_build_object('browser', new.user_agent)
    from namespaces where namespace_pk = new.user_pk;
    return null;
end $$;

create function audit_identity() returns trigger language plpgsql as $$
declare
    identity user_identities := coalesce(new, old);
begin
    perform write_audit(identity.user_pk, case tg_op when 'INSERT' then 'identity.link' else 'identity.unlink' end, identity.label,
        jsonb_build_object('issuer', identity.issuer, 'subject', identity.subject), identity.user_pk);
    return null;
end $$;
create trigger user_identities_audit after insert or delete on user_identities for each row execute function audit_identity();
