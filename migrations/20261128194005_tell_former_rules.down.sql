create or replace function audit_organization() returns trigger language plpgsql as $$
begin
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private, 'create_role', new.create_role, 'default_role', new.default_role,
                           'takes_requests', new.takes_requests, 'refuses_pickles', new.refuses_pickles,
                           'requires_second_factor', new.requires_second_factor), null);
    return null;
end $$;
