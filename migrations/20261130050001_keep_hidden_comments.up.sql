-- What somebody who may write hides of others is kept for some time, so that it can be shown again. Files that a hidden comment led to are
-- shown to nobody at once, and kept as long as its text may come back.
set local lock_timeout = '10s';
alter table discussion_events add column kept_body text, add column hidden_at timestamptz;
alter table attachment_uses add column withdrawn boolean not null default false;

create or replace function note_attachment_uses() returns trigger language plpgsql as $$
begin
    if new.hidden then
        update attachment_uses set withdrawn = true where event_pk = new.event_pk and not withdrawn;
        return null;
    end if;
    if tg_op = 'UPDATE' then
        if old.hidden then
            update attachment_uses set withdrawn = false where event_pk = new.event_pk and withdrawn;
        end if;
    end if;
    insert into attachment_uses (attachment_pk, event_pk)
    select distinct attachment_pk, new.event_pk
    from regexp_matches(new.body, '/uploads/([0-9a-f]{32})', 'g') as found (ids)
    join attachments a on a.public_id = found.ids[1]
    join discussions d on d.discussion_pk = new.discussion_pk and d.repo_pk = a.repo_pk
    -- Saying again where a file is brings nothing back that was hidden with all that led to it, also when what led to it is deleted.
    where exists (select from attachment_uses o where o.attachment_pk = a.attachment_pk and not o.withdrawn)
       or not (exists (select from attachment_uses o where o.attachment_pk = a.attachment_pk)
               or exists (select from deleted_discussions g where g.repo_pk = a.repo_pk
                          and g.contents -> 'withdrawn' @> jsonb_build_array(jsonb_build_object('attachment_pk', a.attachment_pk))))
    on conflict do nothing;
    return null;
end $$;
drop trigger discussion_events_note_attachments_update on discussion_events;
create trigger discussion_events_note_attachments_update after update of body, hidden on discussion_events for each row
    when (new.hidden or old.hidden or new.body like '%/uploads/%') execute function note_attachment_uses();

-- What is shown, and what may be shown again: because moderators take back what they did, or those who may write do.
create view needed_attachment_uses as
    select u.attachment_pk, u.event_pk from attachment_uses u
    where not u.withdrawn
       or exists (select from discussion_events e where e.event_pk = u.event_pk and e.kept_body is not null)
       or exists (select from moderation_standing c where c.kind = 'comment' and c.pk = u.event_pk and c.body <> '');
