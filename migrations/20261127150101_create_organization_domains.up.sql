-- Mail domains that organisations proved to be theirs: who has a confirmed address there joins by themselves.
set local lock_timeout = '10s';
create table organization_domains (
    domain_pk bigint generated always as identity primary key,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    domain text not null check (domain = lower(domain) and length(domain) between 3 and 253),
    -- What the file at the domain must say.
    challenge text not null,
    role text not null check (role in ('read', 'contributor', 'write')),
    checked_at timestamptz,
    proven_at timestamptz,
    created_at timestamptz not null default now(),
    unique (organization_pk, domain)
);
-- A domain is one organisation's at most, once it is proven.
create unique index organization_domains_proven_idx on organization_domains (domain) where proven_at is not null;

-- Whom admins took out does not come back by a domain; who is added by an admin may again.
create table organization_removals (
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (organization_pk, user_pk)
);
create index organization_removals_user_pk_idx on organization_removals (user_pk);
create function end_organization_removal() returns trigger language plpgsql as $$
begin
    delete from organization_removals where organization_pk = new.organization_pk and user_pk = new.user_pk;
    return null;
end $$;
create trigger organization_members_end_removal after insert on organization_members for each row
    execute function end_organization_removal();

create function audit_domain() returns trigger language plpgsql as $$
declare
    domain organization_domains := coalesce(new, old);
    what text := case tg_op when 'INSERT' then 'domain.add' when 'DELETE' then 'domain.remove' else 'domain.role' end;
begin
    if tg_op = 'UPDATE' and old.proven_at is null and new.proven_at is not null then
        what := 'domain.prove';
    end if;
    perform write_audit(domain.organization_pk, what, domain.domain, jsonb_build_object('role', domain.role), null);
    return null;
end $$;
create trigger organization_domains_audit after insert or delete on organization_domains for each row execute function audit_domain();
create trigger organization_domains_audit_update after update on organization_domains for each row
    when (old.role <> new.role or (old.proven_at is null and new.proven_at is not null)) execute function audit_domain();

-- Its admins are told who joined. Not validated: rows of before hold, and reading them would keep writers away.
alter table notifications drop constraint notifications_about_check;
alter table notifications add constraint notifications_about_check
    check (about in ('join_request', 'join_accepted', 'join_rejected', 'domain_join')) not valid;
create or replace function is_told(who bigint, organization bigint, about text) returns boolean language sql stable as $$
    select about not in ('join_request', 'domain_join')
        or (exists (select from organization_members m where m.organization_pk = organization and m.user_pk = who and m.role = 'admin')
            and not is_locked_out(organization, who))
$$;
