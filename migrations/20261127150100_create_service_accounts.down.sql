-- Service accounts go: without what keeps them apart they would be people without a password.
set local lock_timeout = '10s';
delete from users where service_of is not null;
create or replace function audit_token() returns trigger language plpgsql as $$
declare
    token access_tokens := coalesce(new, old);
    what text := case tg_op when 'INSERT' then 'token.create' when 'DELETE' then 'token.revoke' else 'token.rename' end;
    more jsonb := jsonb_build_object('ends', token.hint, 'role', token.role, 'expires', token.expires_at);
begin
    if tg_op = 'UPDATE' then
        if old.leaked_at is null and new.leaked_at is not null then
            what := 'token.leaked';
        else
            more := more || jsonb_build_object('from', old.name);
        end if;
    end if;
    perform write_audit(token.user_pk, what, token.name, more, token.user_pk);
    return null;
end $$;
drop trigger users_audit_service_account on users;
drop function audit_service_account();
create or replace function audit_account_deletion() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform write_audit(old.user_pk, 'account.delete', null, null, null);
    elsif new.deletes_at is null then
        perform write_audit(new.user_pk, 'account.keep', null, null, new.user_pk);
    else
        perform write_audit(new.user_pk, 'account.delete_ask', null, jsonb_build_object('until', new.deletes_at), new.user_pk);
    end if;
    return null;
end $$;
create or replace function audit_user() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform write_audit(new.user_pk, 'account.create', null, null, new.user_pk);
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
drop trigger users_retire_service_account on users;
drop function retire_service_account();
create or replace function lacks_second_factor(who bigint) returns boolean language sql stable as $$
    select not exists (select from authenticator_apps where user_pk = who) and not exists (select from passkeys where user_pk = who)
$$;
drop trigger resource_group_members_service on resource_group_members;
drop trigger organization_members_service on organization_members;
drop function keep_service_account_home();
alter table users drop column service_of, drop column service_disabled_at;
