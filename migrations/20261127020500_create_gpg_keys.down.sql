drop table gpg_keys;
drop function audit_gpg_key();
