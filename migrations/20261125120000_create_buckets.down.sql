-- Buckets go, with the names that led to them.
drop table bucket_files;
delete from repo_redirects where repo_type = 'bucket';
delete from repos where repo_type = 'bucket';
alter table repos drop constraint repos_repo_type_check;
alter table repos add constraint repos_repo_type_check check (repo_type in ('model', 'dataset', 'space'));
