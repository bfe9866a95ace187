drop table xet_chunks, xet_file_xorbs, xet_files, xet_xorbs;
delete from lfs_objects where not is_plain;
alter table lfs_objects drop column is_plain, drop column file_hash;
alter table repos drop column plain_http;
alter table users drop column plain_http;
