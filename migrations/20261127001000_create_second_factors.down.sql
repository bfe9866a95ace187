drop table ceremonies;
drop table recovery_codes;
drop table passkeys;
drop table authenticator_apps;
drop function audit_recovery_codes();
drop function audit_factor();
create or replace function audit_sign_in() returns trigger language plpgsql as $$
begin
    insert into audit_log (namespace_pk, actor_pk, actor, via, address, action, details)
    select new.user_pk, new.user_pk, name, 'password', new.address, 'account.sign_in', jsonb_build_object('browser', new.user_agent)
    from namespaces where namespace_pk = new.user_pk;
    return null;
end $$;
alter table sign_ins drop column how;
alter table sessions drop column how, drop column proved_at;
