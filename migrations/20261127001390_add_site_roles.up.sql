-- Moderators look after what others publish. Who runs the hub (`is_admin`) may do all that, too, and is not also stored as one.
set local lock_timeout = '10s';
alter table users add column is_moderator boolean not null default false;

create function audit_moderator() returns trigger language plpgsql as $$
begin
    perform write_audit(new.user_pk, 'account.moderator', null, jsonb_build_object('moderator', new.is_moderator), null);
    return null;
end $$;
create trigger users_audit_moderator after update on users for each row
    when (old.is_moderator <> new.is_moderator) execute function audit_moderator();
