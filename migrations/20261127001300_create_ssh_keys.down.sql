drop table ssh_keys;
drop function audit_ssh_key();
