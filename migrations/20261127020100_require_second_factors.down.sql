drop trigger organization_members_end_request on organization_members;
drop function end_organization_request();

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

create or replace function belongs_to(who bigint, owner bigint, in_group bigint) returns boolean language sql stable as $$
    select who = owner or exists (
        select from organization_members m
        where m.organization_pk = owner and m.user_pk = who
          and (in_group is null or m.role = 'admin' or exists (
              select from resource_group_members g where g.resource_group_pk = in_group and g.user_pk = who)))
$$;
drop function is_locked_out(bigint, bigint), lacks_second_factor(bigint);
alter table organizations drop column requires_second_factor;
