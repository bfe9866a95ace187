-- The audit log tells what the rules of an organization were before they changed, so that a change can be taken back. Of its texts it
-- tells nothing: they may be what moderators took away.
set local lock_timeout = '10s';
create or replace function audit_organization() returns trigger language plpgsql as $$
declare
    was jsonb;
begin
    if tg_op = 'UPDATE' then
        select jsonb_build_object('was', jsonb_object_agg(o.key, o.value)) into was
        from jsonb_each(to_jsonb(old)) o join jsonb_each(to_jsonb(new)) n on n.key = o.key
        where o.value <> n.value and o.key in ('default_private', 'create_role', 'default_role', 'takes_requests', 'refuses_pickles',
                                               'requires_second_factor')
        having count(*) > 0;
    end if;
    perform write_audit(new.organization_pk,
        case tg_op when 'INSERT' then 'organization.create' else 'organization.settings' end, null,
        jsonb_build_object('default_private', new.default_private, 'create_role', new.create_role, 'default_role', new.default_role,
                           'takes_requests', new.takes_requests, 'refuses_pickles', new.refuses_pickles,
                           'requires_second_factor', new.requires_second_factor) || coalesce(was, '{}'), null);
    return null;
end $$;
