delete from access_tokens where publisher_pk is not null;
drop trigger repos_end_publisher_tokens on repos;
drop function end_publisher_tokens();
drop trigger access_tokens_audit on access_tokens;
create trigger access_tokens_audit after insert on access_tokens for each row
    when (new.grant_pk is null) execute function audit_token();
drop trigger access_tokens_audit_delete on access_tokens;
create trigger access_tokens_audit_delete after delete on access_tokens for each row
    when (old.grant_pk is null) execute function audit_token();
alter table access_tokens drop column publisher_repo_pk, drop column publisher_pk;
drop table exchanged_id_tokens;
drop table trusted_publishers;
drop function audit_publisher();
