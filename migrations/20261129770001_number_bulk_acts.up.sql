-- Acts of one submission of the moderators' queue have a number in common, so that all of them can be taken back at once. Others have none.
set local lock_timeout = '10s';
create sequence moderation_batches start with 26001;
alter table moderation_acts add column batch bigint;

-- The owner's log tells what was done and why, and not which moderator did it. The number leads those who run the hub to the whole of it.
create or replace function audit_moderation() returns trigger language plpgsql as $$
begin
    if new.owner_pk is not null and new.act <> 'dismiss' then
        insert into audit_log (namespace_pk, via, action, subject, details)
        values (new.owner_pk, 'hub', 'moderation.' || new.act, new.subject,
                jsonb_strip_nulls(jsonb_build_object('category', new.category, 'reason', new.reason, 'batch', new.batch)));
    end if;
    return null;
end $$;
