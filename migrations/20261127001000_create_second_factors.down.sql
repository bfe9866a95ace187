drop table ceremonies;
drop table recovery_codes;
drop table passkeys;
drop table authenticator_apps;
drop function audit_recovery_codes();
drop function audit_factor();
alter table sessions drop column via, drop column proved_at;
