-- The likes of the last days that there are already, so that no list is wrong until the job has run. Apart from the migration that adds
-- the columns, which locks the table against readers: while this one counts, only writers of the same rows wait.
set local lock_timeout = '10s';
update repo_counters c set likes_7d = l.last_7d, likes_30d = l.last_30d, likes_90d = l.last_90d
from (
    select repo_pk, count(*) filter (where created_at > now() - interval '7 days') as last_7d,
           count(*) filter (where created_at > now() - interval '30 days') as last_30d, count(*) as last_90d
    from likes where created_at > now() - interval '90 days' group by repo_pk
) l
where l.repo_pk = c.repo_pk;
