set local lock_timeout = '10s';
drop trigger access_tokens_audit_limit on access_tokens;
drop function audit_token_limit();
