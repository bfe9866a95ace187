-- Some values of each model's largest tensors, by which a model is recognised that was made from another one.
create table repo_sketches (
    repo_pk bigint primary key references repos (repo_pk) on delete cascade,
    -- The weight files it was made of: `facts -> weights -> key`.
    weights_key text not null,
    -- What names and shapes of the sampled tensors make: models that share them have the same architecture.
    tensor_keys bigint[] not null,
    -- Close relatives differ in few of these bits; see hub_weights::Sketch::digest.
    digest bit(256) not null,
    sketch bytea not null check (length(sketch) <= 32000),
    -- Since when the repository has the oldest of these files.
    weights_since timestamptz not null,
    created_at timestamptz not null default now()
);
create index repo_sketches_tensor_keys_idx on repo_sketches using gin (tensor_keys);

-- Models that are here already are sampled too, one a second, so that other jobs do not wait for them.
insert into jobs (kind, dedup_key, payload, run_at)
select 'sketch_weights', repo_pk::text, jsonb_build_object('repo_pk', repo_pk), now() + make_interval(secs => row_number() over ())
from repos where repo_type = 'model' and deleted_at is null and facts ? 'weights'
on conflict do nothing;
