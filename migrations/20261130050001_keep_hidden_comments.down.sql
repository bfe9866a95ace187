set local lock_timeout = '10s';
drop view needed_attachment_uses;
drop trigger discussion_events_note_attachments_update on discussion_events;
create or replace function note_attachment_uses() returns trigger language plpgsql as $$
begin
    if new.hidden then
        delete from attachment_uses where event_pk = new.event_pk;
        return null;
    end if;
    insert into attachment_uses (attachment_pk, event_pk)
    select distinct attachment_pk, new.event_pk
    from regexp_matches(new.body, '/uploads/([0-9a-f]{32})', 'g') as found (ids)
    join attachments a on a.public_id = found.ids[1]
    join discussions d on d.discussion_pk = new.discussion_pk and d.repo_pk = a.repo_pk
    on conflict do nothing;
    return null;
end $$;
create trigger discussion_events_note_attachments_update after update of body, hidden on discussion_events for each row
    when (new.hidden or new.body like '%/uploads/%') execute function note_attachment_uses();
delete from attachment_uses where withdrawn;
alter table attachment_uses drop column withdrawn;
alter table discussion_events drop column kept_body, drop column hidden_at;
