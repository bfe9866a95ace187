-- What people say to applications is told in their log each time they say it, also when it is the same again; and a new password ends
-- all sign-ins to applications, as it ends all other sessions.
set local lock_timeout = '10s';
alter table oauth_consents add column allowed_at timestamptz not null default now();
update oauth_consents set allowed_at = created_at;
drop trigger oauth_consents_audit_update on oauth_consents;
create trigger oauth_consents_audit_update after update on oauth_consents for each row
    when ((old.scopes, old.organization_pks, old.allowed_at)
          is distinct from (new.scopes, new.organization_pks, new.allowed_at))
    execute function audit_oauth_consent();

create function end_oauth_grants() returns trigger language plpgsql as $$
begin
    delete from oauth_grants g using oauth_consents c where c.consent_pk = g.consent_pk and c.user_pk = new.user_pk;
    return null;
end $$;
create trigger users_password_ends_oauth_grants after update of password_hash on users for each row
    when (old.password_hash <> new.password_hash and old.password_hash <> '') execute function end_oauth_grants();
