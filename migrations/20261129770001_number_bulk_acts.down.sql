set local lock_timeout = '10s';
create or replace function audit_moderation() returns trigger language plpgsql as $$
begin
    if new.owner_pk is not null and new.act <> 'dismiss' then
        insert into audit_log (namespace_pk, via, action, subject, details)
        values (new.owner_pk, 'hub', 'moderation.' || new.act, new.subject,
                jsonb_build_object('category', new.category, 'reason', new.reason));
    end if;
    return null;
end $$;
alter table moderation_acts drop column batch;
drop sequence moderation_batches;
