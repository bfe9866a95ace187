-- Lists by the likes of the last days (`sort=likes30d` and its like): the job that counts what trends counts them, too. What there is
-- already is counted here, so that no list is wrong until the job has run.
set local lock_timeout = '10s';
alter table repo_counters add column likes_7d bigint not null default 0;
alter table repo_counters add column likes_30d bigint not null default 0;
alter table repo_counters add column likes_90d bigint not null default 0;
update repo_counters c set likes_7d = l.last_7d, likes_30d = l.last_30d, likes_90d = l.last_90d
from (
    select repo_pk, count(*) filter (where created_at > now() - interval '7 days') as last_7d,
           count(*) filter (where created_at > now() - interval '30 days') as last_30d, count(*) as last_90d
    from likes where created_at > now() - interval '90 days' group by repo_pk
) l
where l.repo_pk = c.repo_pk;
create index repo_counters_likes_7d_idx on repo_counters (repo_type, likes_7d desc, repo_pk desc);
create index repo_counters_likes_30d_idx on repo_counters (repo_type, likes_30d desc, repo_pk desc);
create index repo_counters_likes_90d_idx on repo_counters (repo_type, likes_90d desc, repo_pk desc);
