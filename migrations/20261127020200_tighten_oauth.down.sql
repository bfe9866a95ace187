drop trigger users_password_ends_oauth_grants on users;
drop function end_oauth_grants();
drop trigger oauth_consents_audit_update on oauth_consents;
create trigger oauth_consents_audit_update after update on oauth_consents for each row
    when ((old.scopes, old.organization_pks) is distinct from (new.scopes, new.organization_pks))
    execute function audit_oauth_consent();
alter table oauth_consents drop column allowed_at;
