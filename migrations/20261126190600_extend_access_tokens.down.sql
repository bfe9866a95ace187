delete from access_tokens where leaked_at is not null;
alter table access_tokens drop column last_used_address, drop column leaked_at;
