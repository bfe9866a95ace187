-- Lists of the console of those who run the hub. Not `concurrently`: nodes that start together wait for each other with a lock that
-- such an index would wait for.
set local lock_timeout = '10s';
create index jobs_failed_idx on jobs (job_pk) where failed_at is not null;
create index users_staff_idx on users (user_pk) where is_admin or is_moderator;
create index audit_log_all_action_idx on audit_log (action, audit_pk desc);
create index audit_log_all_actor_idx on audit_log (lower(actor), audit_pk desc);
-- Without the extension every address is read.
do $$
begin
    create index users_email_trgm_idx on users using gin (lower(email) gin_trgm_ops);
exception when undefined_object then
    raise notice 'pg_trgm is not there: search by mail address will be slow in large hubs';
end $$;
