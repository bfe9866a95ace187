-- Organisations can ask their members for a second factor: who has none is a member in name only. And what the log of organisations
-- and their requests left out: the rule about pickles, and that whoever becomes a member asks no more.
set local lock_timeout = '10s';
alter table organizations add column requires_second_factor boolean not null default false;

create function lacks_second_factor(who bigint) returns boolean language sql stable as $$
    select not exists (select from authenticator_apps where user_pk = who) and not exists (select from passkeys where user_pk = who)
$$;

-- Whether an organisation asks for a second factor that somebody does not have.
create function is_locked_out(organization bigint, who bigint) returns boolean language sql stable as $$
    select exists (select from organizations where organization_pk = organization and requires_second_factor)
       and lacks_second_factor(who)
$$;

create or replace function belongs_to(who bigint, owner bigint, in_group bigint) returns boolean language sql stable as $$
    select who = owner or exists (
        select from organization_members m
        where m.organization_pk = owner and m.user_pk = who
          and (in_group is null or m.role = 'admin' or exists (
              select from resource_group_members g where g.resource_group_pk = in_group and g.user_pk = who))
          and not is_locked_out(owner, who))
$$;

drop trigger organizations_audit_update on organizations;
create or replace function audit_organization() returns trigger language plpgsql as $$
begin
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private, 'create_role', new.create_role, 'default_role', new.default_role,
                           'takes_requests', new.takes_requests, 'refuses_pickles', new.refuses_pickles,
                           'requires_second_factor', new.requires_second_factor), null);
    return null;
end $$;
create trigger organizations_audit_update after update on organizations for each row
    when ((old.fullname, old.details, old.homepage, old.links, old.default_private, old.create_role, old.default_role, old.takes_requests,
           old.refuses_pickles, old.requires_second_factor)
          is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private, new.create_role, new.default_role,
                            new.takes_requests, new.refuses_pickles, new.requires_second_factor))
    execute function audit_organization();

delete from organization_requests r using organization_members m
where m.organization_pk = r.organization_pk and m.user_pk = r.user_pk;
create function end_organization_request() returns trigger language plpgsql as $$
begin
    delete from organization_requests where organization_pk = new.organization_pk and user_pk = new.user_pk;
    return null;
end $$;
create trigger organization_members_end_request after insert on organization_members for each row
    execute function end_organization_request();
