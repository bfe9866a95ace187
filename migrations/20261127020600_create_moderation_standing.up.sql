-- What acts cover that were not taken back: whatever is here stays away.
set local lock_timeout = '10s';
create view moderation_standing as
    select c.act_pk, c.kind, c.pk, c.body from moderation_covers c
    where not exists (select from moderation_acts u where u.undoes = c.act_pk);
