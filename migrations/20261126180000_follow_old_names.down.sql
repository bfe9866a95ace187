drop view repo_names;
alter table repo_redirects drop column old_id;
