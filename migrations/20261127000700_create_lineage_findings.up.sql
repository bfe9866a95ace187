-- The likely parent of each model whose weights were sampled, for those who run the hub: what its card does not name is told
-- from the cards when the list is read.
set local lock_timeout = '10s';
create table lineage_findings (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    parent_pk bigint not null references repos (repo_pk) on delete cascade check (parent_pk <> repo_pk),
    relation text not null check (relation in ('identical', 'converted', 'finetune')),
    -- From 0 to 1: how well the samples of the weights correlate, or the share of equal bytes.
    certainty double precision not null check (certainty between 0 and 1),
    found_at timestamptz not null default now()
);
create index lineage_findings_certainty_idx on lineage_findings (certainty, repo_pk);
create index lineage_findings_parent_pk_idx on lineage_findings (parent_pk);

-- Models that were sampled already are looked at too, one a second, the oldest first. Not before every node is of this release: an
-- older one does such a job without looking for a parent.
insert into jobs (kind, dedup_key, payload, run_at)
select 'sketch_weights', repo_pk::text, jsonb_build_object('repo_pk', repo_pk),
       now() + interval '1 hour' + make_interval(secs => row_number() over (order by weights_since, repo_pk))
from repo_sketches
on conflict do nothing;
