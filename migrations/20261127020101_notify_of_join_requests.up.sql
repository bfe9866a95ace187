-- Notifications that are about an organisation: somebody asks to join it, or was accepted or rejected.
set local lock_timeout = '10s';
alter table notifications
    alter column repo_pk drop not null,
    add column organization_pk bigint references organizations (organization_pk) on delete cascade,
    add column about text check (about in ('join_request', 'join_accepted', 'join_rejected')),
    -- Who did it, as far as that is told.
    add column actor_pk bigint references users (user_pk) on delete set null;
-- Not validated: all rows of before are about repositories, and reading them would keep readers away meanwhile. New ones are checked.
alter table notifications add constraint notifications_subject
    check ((repo_pk is null) <> (organization_pk is null) and (about is null) = (organization_pk is null)) not valid;

-- Whether somebody may be told that about an organisation: who asks to join is for its admins to know.
create function is_told(who bigint, organization bigint, about text) returns boolean language sql stable as $$
    select about <> 'join_request'
        or (exists (select from organization_members m where m.organization_pk = organization and m.user_pk = who and m.role = 'admin')
            and not is_locked_out(organization, who))
$$;

-- When nobody asks any more, admins have nothing to read.
create function read_join_requests() returns trigger language plpgsql as $$
begin
    if not exists (select from organization_requests where organization_pk = old.organization_pk and rejected_at is null) then
        update notifications set unread = false, mail_due_at = null
        where organization_pk = old.organization_pk and about = 'join_request' and unread;
    end if;
    return null;
end $$;
create trigger organization_requests_read after update or delete on organization_requests for each row
    execute function read_join_requests();
