drop trigger access_tokens_audit on access_tokens;
drop trigger access_tokens_audit_delete on access_tokens;
delete from access_tokens where grant_pk is not null;
alter table access_tokens drop column grant_pk;
create trigger access_tokens_audit after insert or delete on access_tokens for each row execute function audit_token();
drop table oauth_keys, oauth_devices, oauth_refresh_tokens, oauth_codes, oauth_grants, oauth_consents, oauth_clients;
drop function audit_oauth_consent(), audit_oauth_client();
