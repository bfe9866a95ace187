-- Nodes hold the names of users and organisations in memory to find them by. They hear here which of them to read again, after the commit.
set local lock_timeout = '10s';
-- The argument is the column that has the owner's key.
create function notify_owner() returns trigger language plpgsql as $$
begin
    perform pg_notify('owners', case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end ->> tg_argv[0]);
    return null;
end $$;
create trigger namespaces_notify_owner after insert or delete on namespaces for each row execute function notify_owner('namespace_pk');
create trigger namespaces_notify_owner_update after update on namespaces for each row
    when ((old.name, old.kind) is distinct from (new.name, new.kind)) execute function notify_owner('namespace_pk');
create trigger users_notify_owner after insert or delete on users for each row execute function notify_owner('user_pk');
create trigger users_notify_owner_update after update on users for each row
    when ((old.fullname, old.deletes_at, old.service_of) is distinct from (new.fullname, new.deletes_at, new.service_of))
    execute function notify_owner('user_pk');
create trigger organizations_notify_owner after insert or delete on organizations for each row
    execute function notify_owner('organization_pk');
create trigger organizations_notify_owner_update after update on organizations for each row
    when (old.fullname is distinct from new.fullname) execute function notify_owner('organization_pk');
