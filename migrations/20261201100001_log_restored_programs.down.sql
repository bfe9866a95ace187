-- Restored programs are logged as if they were made.
set local lock_timeout = '10s';
create or replace function audit_user() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.service_of is not null then
            perform write_audit(new.service_of, 'service_account.create', (select name from namespaces where namespace_pk = new.user_pk),
                null, null);
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
        case tg_op when 'INSERT' then 'app.create' when 'DELETE' then 'app.delete' else 'app.change' end,
        client.name, '{}', client.user_pk);
    return null;
end $$;
