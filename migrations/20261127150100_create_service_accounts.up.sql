-- Service accounts: accounts of organisations for their programs. They have tokens and nothing to sign in with, belong to one
-- organisation, administer nothing in it, and go with it.
set local lock_timeout = '10s';
alter table users
    add column service_of bigint references organizations (organization_pk) on delete cascade,
    add column service_disabled_at timestamptz;
alter table users add constraint users_service_account check (
    service_of is null
    or (password_hash = '' and not is_admin and not is_moderator and email_confirmed_at is null and new_email is null and deletes_at is null));
create index users_service_of_idx on users (service_of) where service_of is not null;

create function keep_service_account_home() returns trigger language plpgsql as $$
declare
    home bigint := (select service_of from users where user_pk = new.user_pk);
begin
    if home is null then
        return new;
    end if;
    if new.organization_pk <> home then
        raise exception 'a service account belongs to one organisation'
            using errcode = 'check_violation', constraint = 'service_account_home';
    end if;
    if new.role = 'admin' then
        raise exception 'a service account administers nothing'
            using errcode = 'check_violation', constraint = 'service_account_role';
    end if;
    return new;
end $$;
create trigger organization_members_service before insert or update on organization_members for each row
    execute function keep_service_account_home();
create trigger resource_group_members_service before insert or update on resource_group_members for each row
    execute function keep_service_account_home();

-- It does not sign in, so that there is nothing for a second factor to be added to.
create or replace function lacks_second_factor(who bigint) returns boolean language sql stable as $$
    select not exists (select from authenticator_apps where user_pk = who) and not exists (select from passkeys where user_pk = who)
       and not exists (select from users where user_pk = who and service_of is not null)
$$;

-- The name stays, and nobody else can take it.
create function retire_service_account() returns trigger language plpgsql as $$
begin
    delete from follows where namespace_pk = old.user_pk;
    delete from namespace_watches where namespace_pk = old.user_pk;
    delete from webhook_watches where namespace_pk = old.user_pk;
    update namespaces set kind = 'deleted' where namespace_pk = old.user_pk;
    return null;
end $$;
create trigger users_retire_service_account after delete on users for each row
    when (old.service_of is not null) execute function retire_service_account();

-- What is done with them stands in the log of their organisation.
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

create or replace function audit_account_deletion() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.service_of is not null then
            perform write_audit(old.service_of, 'service_account.delete', (select name from namespaces where namespace_pk = old.user_pk),
                null, null);
        else
            perform write_audit(old.user_pk, 'account.delete', null, null, null);
        end if;
    elsif new.deletes_at is null then
        perform write_audit(new.user_pk, 'account.keep', null, null, new.user_pk);
    else
        perform write_audit(new.user_pk, 'account.delete_ask', null, jsonb_build_object('until', new.deletes_at), new.user_pk);
    end if;
    return null;
end $$;

create function audit_service_account() returns trigger language plpgsql as $$
declare
    what text := case
        when old.service_disabled_at is null and new.service_disabled_at is not null then 'service_account.disable'
        when old.service_disabled_at is not null and new.service_disabled_at is null then 'service_account.enable'
        else 'service_account.change' end;
begin
    perform write_audit(new.service_of, what, (select name from namespaces where namespace_pk = new.user_pk), null, null);
    return null;
end $$;
create trigger users_audit_service_account after update on users for each row
    when (new.service_of is not null
          and ((old.service_disabled_at is null) <> (new.service_disabled_at is null) or old.details <> new.details))
    execute function audit_service_account();

create or replace function audit_token() returns trigger language plpgsql as $$
declare
    token access_tokens := coalesce(new, old);
    what text := case tg_op when 'INSERT' then 'token.create' when 'DELETE' then 'token.revoke' else 'token.rename' end;
    more jsonb := jsonb_build_object('ends', token.hint, 'role', token.role, 'expires', token.expires_at);
    organization bigint := (select service_of from users where user_pk = token.user_pk);
begin
    if tg_op = 'UPDATE' then
        if old.leaked_at is null and new.leaked_at is not null then
            what := 'token.leaked';
        else
            more := more || jsonb_build_object('from', old.name);
        end if;
    end if;
    if organization is not null then
        more := more || jsonb_build_object('service_account', (select name from namespaces where namespace_pk = token.user_pk));
    end if;
    perform write_audit(coalesce(organization, token.user_pk), what, token.name, more, case when organization is null then token.user_pk end);
    return null;
end $$;
