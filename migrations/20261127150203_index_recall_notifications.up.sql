-- Whom a recall was told. Apart from the migration before, which locks notifications against readers: while this is made, they read.
set local lock_timeout = '10s';
create unique index notifications_recall_idx on notifications (recall_pk, user_pk) where recall_pk is not null;
