drop table user_identities;
drop function audit_identity();

create or replace function audit_sign_in() returns trigger language plpgsql as $$
begin
    insert into audit_log (namespace_pk, actor_pk, actor, via, address, action, details)
    select new.user_pk, new.user_pk, name, 'password', new.address, 'account.sign_in', jsonb_build_object('browser', new.user_agent)
    from namespaces where namespace_pk = new.user_pk;
    return null;
end $$;
alter table sign_ins drop column via;
