drop table organization_requests;
drop function audit_organization_request();
drop trigger organizations_audit_update on organizations;
create or replace function audit_organization() returns trigger language plpgsql as $$
begin
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private), null);
    return null;
end $$;
create trigger organizations_audit_update after update on organizations for each row
    when ((old.fullname, old.details, old.homepage, old.links, old.default_private)
          is distinct from (new.fullname, new.details, new.homepage, new.links, new.default_private))
    execute function audit_organization();
alter table organizations drop column takes_requests, drop column default_role, drop column create_role;
