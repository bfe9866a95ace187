-- The security log tells of it when a token gets another limit of requests: a program may stop working by it, or take all there is.
set local lock_timeout = '10s';
create function audit_token_limit() returns trigger language plpgsql as $$
declare
    organization bigint := (select service_of from users where user_pk = new.user_pk);
begin
    perform write_audit(coalesce(organization, new.user_pk), 'token.limit', new.name,
        jsonb_build_object('ends', new.hint, 'requests', coalesce(new.requests_limit::text, 'as many as the account'),
            'from', coalesce(old.requests_limit::text, 'as many as the account'),
            'service_account', case when organization is not null then (select name from namespaces where namespace_pk = new.user_pk) end),
        case when organization is null then new.user_pk end);
    return null;
end $$;
create trigger access_tokens_audit_limit after update of requests_limit on access_tokens for each row
    when (old.requests_limit is distinct from new.requests_limit) execute function audit_token_limit();
