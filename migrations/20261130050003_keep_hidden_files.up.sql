-- Files of comments that moderators hid before are kept from now on, as far as they are there. Apart from the migration that adds the
-- columns, which keeps readers out.
set local lock_timeout = '10s';
insert into attachment_uses (attachment_pk, event_pk, withdrawn)
select distinct a.attachment_pk, e.event_pk, true
from moderation_standing c
join discussion_events e on e.event_pk = c.pk
join discussions d on d.discussion_pk = e.discussion_pk
cross join lateral regexp_matches(c.body, '/uploads/([0-9a-f]{32})', 'g') as found (ids)
join attachments a on a.public_id = found.ids[1] and a.repo_pk = d.repo_pk
where c.kind = 'comment' and c.body like '%/uploads/%' and e.hidden
on conflict do nothing;
