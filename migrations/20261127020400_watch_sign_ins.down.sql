drop table wrong_codes;
alter table sign_ins drop column device_hash;
alter table users drop column sign_in_version;
