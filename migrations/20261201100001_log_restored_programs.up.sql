-- The audit log tells when a service account or an application came back, and does not say that it was made. What was deleted is still
-- kept at that time.
set local lock_timeout = '10s';
create or replace function audit_user() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.service_of is not null then
            perform write_audit(new.service_of,
                case when exists (select from deleted_service_accounts where user_pk = new.user_pk) then 'service_account.restore'
                    else 'service_account.create' end,
                (select name from namespaces where namespace_pk = new.user_pk), null, null);
        else
            perform write_audit(new.user_pk, 'account.create', null, null, new.user_pk);
        end if;
        return null;
    end if;
    if old.password_hash <> new.password_hash then
        perform write_audit(new.user_pk, 'account.password', null, null, new.user_pk);
    end if;
    if old.email <> new.email then
        perform write_audit(new.user_pk, 'account.email', null, jsonb_build_object('from', old.email, 'to', new.email), new.user_pk);
    end if;
    if old.is_admin <> new.is_admin then
        perform write_audit(new.user_pk, 'account.operator', null, jsonb_build_object('operator', new.is_admin), null);
    end if;
    return null;
end $$;

create or replace function audit_oauth_client() returns trigger language plpgsql as $$
declare
    client oauth_clients := coalesce(new, old);
begin
    perform write_audit(client.user_pk,
        case tg_op when 'DELETE' then 'app.delete' when 'UPDATE' then 'app.change' else
            case when exists (select from deleted_applications where client_pk = client.client_pk) then 'app.restore'
                else 'app.create' end end,
        client.name, '{}', client.user_pk);
    return null;
end $$;
