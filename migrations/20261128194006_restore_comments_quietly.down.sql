set local lock_timeout = '10s';
create or replace function note_webhook_comment() returns trigger language plpgsql as $$
begin
    if exists (select from webhooks where not disabled) then
        insert into webhook_changes (kind, action, subject_pk)
        values ('comment', case tg_op when 'INSERT' then 'create' else 'update' end, new.event_pk);
    end if;
    return null;
end $$;
