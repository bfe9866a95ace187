-- What somebody was told about an organisation. Apart from the migration before, which locks notifications against readers: while this
-- one reads all of them, only writers wait.
set local lock_timeout = '10s';
create unique index notifications_organization_idx on notifications (user_pk, organization_pk, about) where organization_pk is not null;
create index notifications_organization_pk_idx on notifications (organization_pk) where organization_pk is not null;
create index notifications_actor_pk_idx on notifications (actor_pk) where actor_pk is not null;
