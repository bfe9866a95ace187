-- Lists by the likes of the last days (`sort=likes30d` and its like): the job that counts what trends counts them, too.
set local lock_timeout = '10s';
alter table repo_counters add column likes_7d bigint not null default 0;
alter table repo_counters add column likes_30d bigint not null default 0;
alter table repo_counters add column likes_90d bigint not null default 0;
