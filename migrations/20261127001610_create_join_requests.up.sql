-- What organisations say about who may do what, and requests of people who want to join one.
set local lock_timeout = '10s';
alter table organizations
    -- The least role that makes repositories of the organisation's own.
    add column create_role text not null default 'contributor' check (create_role in ('contributor', 'write', 'admin')),
    -- The role that forms offer for new members.
    add column default_role text not null default 'write' check (default_role in ('admin', 'write', 'contributor', 'read')),
    -- Whether people can ask to join.
    add column takes_requests boolean not null default false;

create table organization_requests (
    request_pk bigint generated always as identity primary key,
    organization_pk bigint not null references organizations (organization_pk) on delete cascade,
    user_pk bigint not null references users (user_pk) on delete cascade,
    message text not null default '' check (length(message) <= 500),
    created_at timestamptz not null default now(),
    -- Set when it was rejected; who was accepted is a member, and their request is gone.
    rejected_at timestamptz,
    unique (organization_pk, user_pk)
);
create index organization_requests_open_idx on organization_requests (organization_pk, request_pk) where rejected_at is null;
create index organization_requests_user_pk_idx on organization_requests (user_pk);

drop trigger organizations_audit_update on organizations;
create or replace function audit_organization() returns trigger language plpgsql as $$
begin
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private, 'create_role', new.create_role, 'default_role', new.default_role,
                           'takes_requests', new.takes_requests), null);
    return null;
end $$;
create trigger organizations_audit_update after update on organizations for each row
    when ((old.fullname, old.details, old.homepage, old.links, old.default_private, old.create_role, old.default_role, old.takes_requests)
          is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private, new.create_role, new.default_role,
                            new.takes_requests))
    execute function audit_organization();

create function audit_organization_request() returns trigger language plpgsql as $$
declare
    request organization_requests := coalesce(new, old);
    who text := (select name from namespaces where namespace_pk = request.user_pk);
begin
    perform write_audit(request.organization_pk,
        case when tg_op = 'DELETE' then 'request.end' when request.rejected_at is not null then 'request.reject' else 'request.create' end,
        who, null, null);
    return null;
end $$;
create trigger organization_requests_audit after insert or update or delete on organization_requests for each row
    execute function audit_organization_request();
